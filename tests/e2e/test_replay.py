# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Answers that real vendors gave pass through Weir as they are, however the network cuts them. The
recorded exchanges are not part of the repository; without them there is nothing to run."""

import http.client
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

from harness import Gateway, Process, Settings, Sim, Skip, chat

# What is posted to each of the paths; the answer is the record's, whatever it is.
BODIES = {
    "/chat/completions": chat,
    "/completions": lambda model, **more: {"model": model, "prompt": "Hello", **more},
    "/embeddings": lambda model: {"model": model, "input": "Hello", "encoding_format": "base64"},
}
RECORDS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "exchanges"
SEEDS = ("whole", "7", "1234567", "0")
PROVIDER = 'providers:\n  sim: {kind: openai, base_url: "{sim}", api_key: none}\nmodels:'
MODEL = """
  {name}:
    targets: [{provider: sim, model: "replay:{record},seed={seed}"}]
    price: {input: 3, output: 15}
    context_window: 1000000
    max_output_tokens: 1000000"""
TENANT = """
tenants:
  acme:
    keys: [{id: k, sha256: {hash}}]
"""


class Replay(Sim):
    def __init__(self, folder):
        command = [Settings.weir, "sim", "--listen", "127.0.0.1:0", "--replay", folder]
        self.process = Process(command)
        self.port = int(self.process.wait_for(r"http://127\.0\.0\.1:(\d+)/v1").group(1))
        self.url = f"http://127.0.0.1:{self.port}/v1"


class Record:
    def __init__(self, meta):
        self.name = str(meta.relative_to(RECORDS))[:-len(".meta.json")]
        self.vendor = self.name.split("/")[0]
        about = json.loads(meta.read_text())
        self.path = about["url"].split("#")[0].split("?")[0]
        self.status = about["status"]
        stem = str(meta)[:-len(".meta.json")]
        self.is_stream = Path(stem + ".response.sse").exists()
        body = Path(stem + (".response.sse" if self.is_stream else ".response.json"))
        self.body = body.read_bytes() if body.exists() else None

    def model(self, seed):
        return f"{self.name.replace('/', '.')}.{seed}"

    def endpoint(self):
        """The path here; of "/chat/completions" and "/completions" the longer one fits."""
        fits = [path for path in BODIES if self.path.endswith(path)]
        return max(fits, key=len, default=None)

    def ask(self, gateway, seed, **more):
        """The status, and what came of the answer before it ended or broke off."""
        path = self.endpoint()
        try:
            answer = gateway.post(BODIES[path](self.model(seed), **more), path="/v1" + path)
            return answer.status, answer.body, False
        except http.client.IncompleteRead as cut:
            return 200, cut.partial, True


def records():
    if not RECORDS.is_dir():
        raise Skip(f"no recorded exchanges at {RECORDS}")
    found = [Record(meta) for meta in sorted(RECORDS.glob("*/*.meta.json"))]
    found = [record for record in found
             if record.endpoint() and record.body is not None]
    assert {record.endpoint() for record in found} == set(BODIES), f"too few in {RECORDS}"
    return found


def config(found):
    return PROVIDER + "".join(
        MODEL.replace("{name}", record.model(seed)).replace("{record}", record.name)
        .replace("{seed}", seed) for record in found for seed in SEEDS) + TENANT


def members(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member is there twice: {names}"
    return dict(pairs)


def read(data):
    """An event's data: a word, or JSON with exact numbers."""
    if data == b"[DONE]":
        return "[DONE]"
    return json.loads(data, parse_float=Decimal, object_pairs_hook=members)


def events(body):
    """The data of each event; all the vendors recorded put it on one line. The last event of a
    record may lack the blank line that ends it, and counts all the same."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    return [read(line[5:].strip()) for line in lines if line.startswith(b"data:")]


def without_cost(event):
    usage = event.get("usage") if isinstance(event, dict) else None
    if isinstance(usage, dict):
        usage.pop("cost", None)
    return event


def without_usage(sent):
    """What is left for a client that did not ask for usage."""
    kept = []
    for event in sent:
        if isinstance(event, dict) and event.get("usage") and event.get("choices") == []:
            continue
        if isinstance(event, dict) and event.get("usage", 0) is None:
            event = {name: value for name, value in event.items() if name != "usage"}
        kept.append(event)
    return kept


def check_same(sent, seen):
    for place, (one, other) in enumerate(zip(sent, seen)):
        assert one == other, f"event {place}: sent {one}, seen {other}"
    more = (sent if len(sent) > len(seen) else seen)[min(len(sent), len(seen)):]
    assert not more, f"{len(sent)} events sent, {len(seen)} seen, but for {more}"


def check_stream(gateway, record, seed, asks_usage):
    options = {"stream_options": {"include_usage": True}} if asks_usage else {}
    status, body, broken = record.ask(gateway, seed, stream=True, **options)
    assert status == record.status, f"status {status}: {body!r}"
    assert body.endswith((b"\n\n", b"\r\n\r\n")), f"an event without an end: {body[-80:]!r}"
    sent, seen = events(record.body), events(body)
    if asks_usage:
        sent = [without_cost(event) for event in sent]
        seen = [without_cost(event) for event in seen]
    else:
        sent = without_usage(sent)
    check_same(sent, seen)
    # An error that ends a stream ends it visibly; every other one ends cleanly.
    failed = isinstance(sent[-1], dict) and "error" in sent[-1]
    assert broken == failed, "broke off" if broken else "ended cleanly after an error"


def check_whole(gateway, record, seed):
    status, body, _ = record.ask(gateway, seed)
    assert status == record.status, f"status {status}, not {record.status}"
    assert body == record.body, f"another body: {body[:200]!r}"


def check(gateway, record, seed):
    if not record.is_stream:
        check_whole(gateway, record, seed)
        return
    check_stream(gateway, record, seed, True)
    check_stream(gateway, record, seed, False)


def test_recorded_answers_relay_as_they_are():
    found = records()
    kept, wrong = Counter(), []
    with Replay(RECORDS) as sim, Gateway(config(found), sim) as gateway:
        for record in found:
            for seed in SEEDS:
                try:
                    check(gateway, record, seed)
                    kept[record.vendor] += 1
                except Exception as error:  # all are wanted, also a connection that broke
                    wrong.append(f"{record.name} seed={seed}: {type(error).__name__}: {error}")
    counts = Counter(record.vendor for record in found)
    note = (f"{len(found)} exchanges × {len(SEEDS)} ways to cut them: " +
            ", ".join(f"{vendor} {counts[vendor]}" for vendor in sorted(counts)))
    assert not wrong, f"{note}; wrong: {len(wrong)}\n    " + "\n    ".join(wrong)
    return note
