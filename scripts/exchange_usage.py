#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/llm/exchange_expectations.h: what each recorded exchange used and what that costs at
made-up prices. It shares nothing with src/llm but the facts: JSON by Python, each provider's own
arithmetic by hand, money in fractions, rounded up once. Figures are checked against the totals that
providers report beside them. Run it when recordings are added, and read the difference."""

import argparse
import gzip
import json
import math
import struct
import sys
import zlib
from fractions import Fraction
from pathlib import Path

# Pico-dollars a token: no round numbers, so that mistakes do not cancel and rounding shows.
RATES = {
    "input": 2500009, "cached_input": 250007, "cache_write": 3125021, "cache_write_1h": 5000011,
    "audio_input": 40000003, "cached_audio": 2500013, "image_input": 4999999,
    "output": 10000019, "reasoning": 12000017, "audio_output": 80000023, "image_output": 30000001,
}
TIERS = {"standard": 1000, "flex": 503, "priority": 1753, "batch": 499}
PER_REQUEST_NUSD = 7
WEB_SEARCH_NUSD = 10000019
DEAREST_TIER = max(TIERS.values())

KINDS = ["input", "cached_input", "cache_write", "cache_write_1h", "audio_input", "cached_audio",
         "image_input", "output", "reasoning", "audio_output", "image_output", "web_searches"]


# ---- recordings ----

def sse_events(data):
    for block in data.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in block.split("\n")
                 if line.startswith("data:")]
        text = "\n".join(lines).strip()
        if text and text != "[DONE]":
            yield json.loads(text)


def frames(data):
    while data:
        total, headers = struct.unpack(">II", data[:8])
        assert zlib.crc32(data[:total - 4]) == struct.unpack(">I", data[total - 4:total])[0]
        yield json.loads(data[12 + headers:total - 4])
        data = data[total:]


def events_of(path):
    data = path.read_bytes()
    if path.suffix == ".sse":
        return list(sse_events(data))
    if path.suffix == ".bin":
        return list(frames(data))
    return [json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)]


def dialect_of(name):
    vendor, file = name.split("/")
    if vendor == "anthropic" or "gateway-anthropic" in file:
        return "ANTHROPIC"
    if vendor == "gemini":
        return "GEMINI"
    if file.startswith("cohere"):
        return "COHERE"
    if file.startswith(("responses", "mantle-responses", "image", "transcription")):
        return "RESPONSES"
    return "BEDROCK" if vendor == "bedrock" and not file.startswith("mantle") else "OPENAI"


# ---- what each provider's figures mean ----

def tier_of(*words):
    """Of several words the one that is not the standard."""
    known = {"flex": "flex", "on_demand_flex": "flex", "priority": "priority", "fast": "priority",
             "on_demand_priority": "priority", "batch": "batch"}
    standard = {"", "auto", "default", "standard", "on_demand"}
    for word in words:
        word = (word or "").lower()
        if word not in standard:
            return known.get(word, "other")
    return "standard"


def openai(events, name):
    reports = [event.get("usage") or (event.get("x_groq") or {}).get("usage") for event in events]
    reports = [report for report in reports if report]
    if not reports:
        return None
    report = reports[-1]
    prompt = report.get("prompt_tokens_details") or {}
    completion = report.get("completion_tokens_details") or {}
    output = report.get("completion_tokens", 0)
    reasoning = completion.get("reasoning_tokens", 0)
    if "/xai-" in name:  # counts reasoning beside completion_tokens
        output += reasoning
    assert report["prompt_tokens"] + output == report["total_tokens"], name
    tiers = [event["service_tier"] for event in events if event.get("service_tier")]
    return {
        "input": report["prompt_tokens"],
        "cached_input": prompt.get("cached_tokens", report.get("prompt_cache_hit_tokens", 0)),
        "cache_write": prompt.get("cache_write_tokens", 0),
        "audio_input": prompt.get("audio_tokens", 0),
        "image_input": prompt.get("image_tokens", 0),
        "output": output,
        "reasoning": reasoning,
        "audio_output": completion.get("audio_tokens", 0),
        "image_output": completion.get("image_tokens", 0),
        "web_searches": (report.get("server_tool_use_details") or {}).get("web_search_requests", 0),
        "tier": tier_of(tiers[-1] if tiers else None),
    }


def responses(events, name):
    answers = [event.get("response", event) for event in events]
    answers = [answer for answer in answers if (answer.get("usage") or {}).get("input_tokens")]
    if not answers:
        return None
    answer = answers[-1]
    report = answer["usage"]
    assert report["input_tokens"] + report["output_tokens"] == report["total_tokens"], name
    inputs = report.get("input_tokens_details") or {}
    return {
        "input": report["input_tokens"],
        "cached_input": inputs.get("cached_tokens", 0),
        "cache_write": inputs.get("cache_write_tokens", 0),
        "output": report["output_tokens"],
        "reasoning": (report.get("output_tokens_details") or {}).get("reasoning_tokens", 0),
        "web_searches": sum(item["type"] == "web_search_call" for item in answer["output"]),
        "tier": tier_of(answer.get("service_tier")),
    }


def anthropic_pass(report):
    read = report.get("cache_read_input_tokens") or 0
    written = report.get("cache_creation_input_tokens") or 0
    return {
        "input": report["input_tokens"] + read + written,
        "cached_input": read,
        "cache_write": written,
        "cache_write_1h": (report.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0),
        "output": report["output_tokens"],
        "reasoning": (report.get("output_tokens_details") or {}).get("thinking_tokens", 0),
    }


def anthropic(events, _):
    report = {}
    for event in events:
        later = event.get("message", event).get("usage") if isinstance(
            event.get("message", event), dict) else None
        report.update({key: value for key, value in (later or {}).items() if value is not None})
    if not report:
        return None
    usage = anthropic_pass(report)
    passes = [entry for entry in report.get("iterations", [])
              if entry["type"] in ("compaction", "message")]
    if passes:
        counted = [anthropic_pass(entry) for entry in passes]
        usage = {kind: sum(one[kind] for one in counted) for kind in usage}
    usage["web_searches"] = (report.get("server_tool_use") or {}).get("web_search_requests", 0)
    usage["tier"] = tier_of(report.get("service_tier"))
    return usage


def bedrock(events, name):
    reports = [event["usage"] for event in events if "usage" in event]
    if not reports:
        return None
    report = reports[-1]
    read, written = report.get("cacheReadInputTokens", 0), report.get("cacheWriteInputTokens", 0)
    usage = {"input": report["inputTokens"] + read + written, "cached_input": read,
             "cache_write": written, "output": report["outputTokens"], "tier": "standard"}
    assert usage["input"] + usage["output"] == report["totalTokens"], name
    return usage


def gemini(events, name):
    reports = [event["usageMetadata"] for event in events if "usageMetadata" in event]
    if not reports:
        return None
    report = reports[-1]
    thoughts = report.get("thoughtsTokenCount", 0)
    usage = {
        "input": report["promptTokenCount"] + report.get("toolUsePromptTokenCount", 0),
        "cached_input": report.get("cachedContentTokenCount", 0),
        "output": report["candidatesTokenCount"] + thoughts,
        "reasoning": thoughts,
        "tier": tier_of(report.get("serviceTier"), report.get("trafficType")),
    }
    assert usage["input"] + usage["output"] == report["totalTokenCount"], name
    return usage


def cohere(events, _):
    report = events[-1]["usage"]
    billed, seen = report["billed_units"], report["tokens"]
    unbilled = seen["input_tokens"] - billed["input_tokens"]
    return {"input": billed["input_tokens"], "output": billed["output_tokens"],
            "cached_input": max(0, report.get("cached_tokens", 0) - unbilled), "tier": "standard"}


READERS = {"OPENAI": openai, "RESPONSES": responses, "ANTHROPIC": anthropic, "BEDROCK": bedrock,
           "GEMINI": gemini, "COHERE": cohere}


# ---- money ----

def cost_nusd(usage):
    of = {kind: Fraction(usage.get(kind, 0)) for kind in KINDS}
    hidden = min(of["reasoning"], of["output"] - of["audio_output"] - of["image_output"])
    tokens = {
        "cached_audio": of["cached_audio"],
        "cached_input": of["cached_input"] - of["cached_audio"],
        "cache_write_1h": of["cache_write_1h"],
        "cache_write": of["cache_write"] - of["cache_write_1h"],
        "audio_input": of["audio_input"] - of["cached_audio"],
        "image_input": of["image_input"],
        "audio_output": of["audio_output"],
        "image_output": of["image_output"],
        "reasoning": hidden,
    }
    tokens["output"] = of["output"] - hidden - of["audio_output"] - of["image_output"]
    tokens["input"] = of["input"] - sum(tokens[kind] for kind in (
        "cached_audio", "cached_input", "cache_write_1h", "cache_write", "audio_input",
        "image_input"))
    assert min(tokens.values()) >= 0, usage
    nusd = sum(tokens[kind] * RATES[kind] for kind in tokens) / 1000
    nusd *= Fraction(TIERS.get(usage["tier"], DEAREST_TIER), 1000)
    return math.ceil(nusd + of["web_searches"] * WEB_SEARCH_NUSD + PER_REQUEST_NUSD)


# ---- the header ----

HEAD = """/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Written by scripts/exchange_usage.py from the recorded exchanges: do not edit. */
#ifndef TESTS_LLM_EXCHANGE_EXPECTATIONS_H
#define TESTS_LLM_EXCHANGE_EXPECTATIONS_H

#include "llm/price.h"

struct exchange_expectation {
    const char *name;
    enum usage_dialect dialect;
    enum usage_verdict verdict;
    struct usage usage;
    int64_t cost_nusd;
};

/* clang-format off */
"""


def price_lines():
    yield "static const struct price exchange_price = {"
    yield "    .known = true,"
    yield "    .rates = {"
    yield from (f"        .{kind}_pusd = {rate}," for kind, rate in RATES.items())
    yield "    },"
    tiers = ", ".join(f".{tier}_permille = {factor}" for tier, factor in TIERS.items()
                      if tier != "standard")
    yield f"    .tiers = {{{tiers}}},"
    yield f"    .per_request_nusd = {PER_REQUEST_NUSD},"
    yield f"    .web_search_nusd = {WEB_SEARCH_NUSD},"
    yield "};"


def row(name, usage):
    dialect = f"USAGE_DIALECT_{dialect_of(name)}"
    if usage is None:
        return f'    {{"{name}",\n     {dialect}, USAGE_ABSENT, {{0}}, 0}},'
    fields = [f".{kind} = {usage[kind]}" for kind in KINDS if usage.get(kind)]
    if usage["tier"] != "standard":
        fields.append(f".service_tier = SERVICE_TIER_{usage['tier'].upper()}")
    return (f'    {{"{name}",\n     {dialect}, USAGE_GOOD,\n     {{{", ".join(fields)}}},\n'
            f"     {cost_nusd(usage)}}},")


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchanges", nargs="?", type=Path,
                        default=root.parent / "shared" / "data" / "exchanges")
    folder = parser.parse_args().exchanges
    paths = sorted(folder.glob("*/*.response.*"))
    if not paths:
        print(f"no recorded exchanges in {folder}", file=sys.stderr)
        return 1
    lines = list(price_lines())
    lines += ["", "static const struct exchange_expectation exchange_expectations[] = {"]
    for path in paths:
        name = f"{path.parent.name}/{path.name}"
        lines.append(row(name, READERS[dialect_of(name)](events_of(path), name)))
    lines += ["};", "/* clang-format on */", "", "#endif", ""]
    target = root / "tests" / "llm" / "exchange_expectations.h"
    target.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    print(f"{target.relative_to(root)}: {len(paths)} exchanges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
