#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""How fast tokens are counted: Weir beside tiktoken (native, from pip; WASM, from npm) and
gpt-tokenizer, in one run.

Each engine is a process that lives throughout and takes its turns: Weir, another, Weir, another. A
ratio is of a turn and the mean of its two neighbours of Weir's; medians and ranges are printed, and
processor time is what counts (but for prompts of 1 KiB, which are too short for it), for the machine
may be shared. Weir is judged on text that is new to a cache that has seen other text of its kind, as a
gateway's has; gpt-tokenizer, which has a cache too, sees the same text again. The totals of the exact
engines must be equal. Ends within three minutes."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "scripts"))

import real_tiktoken  # noqa: E402
import tokens_corpora  # noqa: E402

HOME = ROOT / "build" / "bench-tokens"
TOOL = ROOT / "build" / "release" / "bench" / "bench_tokens"
NODE_PACKAGES = {"tiktoken": "1.0.22", "gpt-tokenizer": "4.0.0"}
ENCODINGS = ("o200k_base", "cl100k_base")
EXACT = ("tiktoken, pip", "tiktoken, npm")
OTHERS = (*EXACT, "gpt-tokenizer, npm")
AIM_MB_S = {"English": 250, "code": 250, "CJK": 100}
AIM_RATIO = {"English": 40}
AIM_PROMPT_US = 3
AIM_WORST_MS = 25
WORST = ("one-letter", "two-letters", "letters", "digits", "spaces", "line-feeds", "punctuation", "han",
         "one-han", "hangul", "emoji", "one-emoji", "marks")


# ---- the native tiktoken's side, run in its virtual environment ----


def serve():
    encodings, corpora = {}, {}
    for line in sys.stdin:
        _, encoding, path = line.split()
        if encoding not in encodings:
            encodings[encoding] = real_tiktoken.encoding(encoding)
        if path not in corpora:
            corpora[path] = documents(Path(path))
        encode = encodings[encoding].encode_ordinary
        begun = time.process_time()
        tokens = sum(len(encode(text)) for text in corpora[path])
        print(tokens, time.process_time() - begun, flush=True)


def documents(path):
    data, begin = path.read_bytes(), 0
    texts = []
    for end in map(int, Path(f"{path}.ends").read_text().split()):
        texts.append(data[begin:end].decode())
        begin = end
    return texts


# ---- the engines ----


class Engine:
    def __init__(self, stack, command):
        self.child = stack.enter_context(subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(self.child.stdin.close)

    def ask(self, *command):
        self.child.stdin.write(" ".join(map(str, command)) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.child.args[0]} ended with {self.child.wait()}")
        return [float(word) for word in line.split()]


def install_node_packages():
    stamp = HOME / "node" / "stamp"
    wanted = [f"{name}@{version}" for name, version in NODE_PACKAGES.items()]
    if not stamp.exists() or stamp.read_text() != " ".join(wanted):
        (HOME / "node").mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund",
                        "--ignore-scripts", "--prefix", HOME / "node", *wanted], check=True)
        stamp.write_text(" ".join(wanted))


def open_engines(stack, tool):
    script = HERE / "tokens.mjs"
    return {
        "weir": Engine(stack, [tool]),
        "tiktoken, pip": Engine(stack, [real_tiktoken.PYTHON, __file__, "--serve"]),
        "tiktoken, npm": Engine(stack, ["node", script, HOME / "node", "tiktoken"]),
        "gpt-tokenizer, npm": Engine(stack, ["node", script, HOME / "node", "gpt-tokenizer"]),
    }


# ---- turns ----


class Turns:
    """What one corpus took in one encoding."""

    def __init__(self):
        self.cold, self.new, self.again = [], [], []  # Weir's seconds
        self.seconds = {name: [] for name in OTHERS}
        self.ratios = {name: [] for name in OTHERS}
        self.totals = {}

    def total(self, name, tokens):
        if self.totals.setdefault(name, tokens) != tokens:
            sys.exit(f"bench: {name} counted the same text twice, with different results")

    def weir(self, engine, encoding, path):
        tokens, cold, new, again = engine.ask("count", encoding, path)
        self.total("weir", tokens)
        self.cold.append(cold)
        self.new.append(new)
        self.again.append(again)
        return new

    def round(self, engines, encoding, path):
        before = self.weir(engines["weir"], encoding, path)
        for name in OTHERS:
            tokens, seconds = engines[name].ask("count", encoding, path)
            after = self.weir(engines["weir"], encoding, path)
            self.total(name, tokens)
            self.seconds[name].append(seconds)
            self.ratios[name].append(seconds / ((before + after) / 2))
            before = after


def measure(engines, encoding, corpora, rounds):
    found = {}
    for name, path in corpora.items():
        found[name] = Turns()
        for _ in range(rounds):
            found[name].round(engines, encoding, path)
    return found


# ---- the report ----


def speed(path, seconds):
    """Best (median)."""
    megabytes = path.stat().st_size / 1e6
    return f"{megabytes / min(seconds):.1f} ({megabytes / statistics.median(seconds):.1f})"


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def verdict(good):
    return "ok" if good else "MISSED"


ROW = "  {:26}" + "{:>24}" * 4


def report(encoding, found, corpora):
    names = list(found)
    print(f"\n{encoding}, MB/s: best (median)")
    print(ROW.format("", *names))
    for label, pick in (("weir, text that is new", "new"), ("weir, an empty cache", "cold"),
                        ("weir, the text again", "again")):
        print(ROW.format(label, *(speed(corpora[n], getattr(found[n], pick)) for n in names)))
    for other in OTHERS:
        print(ROW.format(other, *(speed(corpora[n], found[n].seconds[other]) for n in names)))
    print("  weir, on text that is new, is so many times as fast as: median (range)")
    for other in OTHERS:
        print(ROW.format(other, *(spread(found[n].ratios[other]) for n in names)))
    print(ROW.format("tokens", *(f"{found[n].totals['weir']:.0f}" for n in names)))
    off = {n: found[n].totals["gpt-tokenizer, npm"] - found[n].totals["weir"] for n in names}
    if any(off.values()):
        print(ROW.format("gpt-tokenizer differs by", *(f"{off[n]:+.0f}" for n in names)))
    for name in names:
        aims = []
        if name in AIM_MB_S:
            best = corpora[name].stat().st_size / 1e6 / min(found[name].new)
            aims.append(f"at least {AIM_MB_S[name]} MB/s: {best:.0f}, {verdict(best >= AIM_MB_S[name])}")
        if name in AIM_RATIO:
            ratio = statistics.median(found[name].ratios["tiktoken, npm"])
            aims.append(f"at least {AIM_RATIO[name]} times npm's tiktoken: {ratio:.0f}, "
                        f"{verdict(ratio >= AIM_RATIO[name])}")
        if aims:
            print(f"  aim, {name}: {'; '.join(aims)}")


def different(found):
    """The corpora of which an exact engine counts another number."""
    return [f"{name}: {other} counts {turns.totals[other]:.0f}, weir {turns.totals['weir']:.0f}"
            for name, turns in found.items() for other in EXACT
            if turns.totals[other] != turns.totals["weir"]]


def report_prompts(weir, encoding, corpora, rounds):
    print(f"\n{encoding}, a prompt of 1 KiB that is new, µs: the best round's p50 and p99 (aim: p50 at "
          f"most {AIM_PROMPT_US})")
    for name, path in corpora.items():
        p50, p99 = min(weir.ask("prompts", encoding, path) for _ in range(rounds))
        print(f"  {name:26}{p50:>10.2f}{p99:>10.2f}   {verdict(p50 <= AIM_PROMPT_US)}")


def report_worst(weir, encoding, rounds):
    print(f"\n{encoding}, 1 MiB of one kind of character, ms: best (median) (aim: at most "
          f"{AIM_WORST_MS})")
    for kind in WORST:
        ms = [1000 * weir.ask("worst", encoding, kind)[1] for _ in range(max(rounds, 3))]
        print(f"  {kind:26}{min(ms):>10.1f}{f'({statistics.median(ms):.1f})':>10}   "
              f"{verdict(min(ms) <= AIM_WORST_MS)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoding", choices=ENCODINGS, help="this one alone")
    parser.add_argument("--tool", type=Path, default=TOOL, help="another bench_tokens")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    real_tiktoken.prepare()
    install_node_packages()
    corpora = tokens_corpora.make(HOME / "corpora")
    warm_up = HOME / "corpora" / "warm-up.txt"
    tokens_corpora.write(warm_up, "".join(path.read_text()[:1 << 16] for path in corpora.values()))
    wrong = []
    with ExitStack() as stack:
        engines = open_engines(stack, arguments.tool)
        for encoding in [arguments.encoding] if arguments.encoding else ENCODINGS:
            for engine in engines.values():  # tables are built, code is compiled
                engine.ask("count", encoding, warm_up)
            found = measure(engines, encoding, corpora, arguments.rounds)
            report(encoding, found, corpora)
            wrong += different(found)
            report_prompts(engines["weir"], encoding, corpora, arguments.rounds)
            report_worst(engines["weir"], encoding, arguments.rounds)
    print("\n" + ("\n".join(wrong) or f"the totals of weir and of {' and '.join(EXACT)} are equal"))
    versions = [f"{name} {version} (npm)" for name, version in NODE_PACKAGES.items()]
    versions.append(real_tiktoken.REQUIREMENTS.read_text().strip().replace("==", " ") + " (pip)")
    print(f"beside {', '.join(versions)}; {os.cpu_count()} cores")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
