#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Weir's tokens beside those of the real tiktoken, on strings from a seed (scripts/token_strings.py):
the ids of `weir tokens --lines --ids` must be equal, and its counts, which go another way, must be as
many. Prints the seed, and each string that fails, made as short as it can be. Ends with
"fuzz-tokens: N passed, N failed", in strings."""

import argparse
import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import real_tiktoken
from token_strings import SWEEP_COUNT, Strings, generator, mangle, sweep

ENCODINGS = ("cl100k_base", "o200k_base")
BATCH = 5000
MANGLED = 0.02  # of all strings
SHOWN = 10      # failures
SHORTEN_TRIES = 400


class Case:
    """A line for Weir, and the text that it stands for."""

    def __init__(self, line):
        self.line = line
        text = json.loads(line.decode("utf-8", "replace"))
        # Halves of pairs that meet are a character, the others are replaced: as tiktoken does.
        self.text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def has_surrogates(text):
    return any("\ud800" <= char <= "\udfff" for char in text)


def json_line(text, ascii_only):
    return json.dumps(text, ensure_ascii=ascii_only or has_surrogates(text)).encode()


def make_case(strings, rng, number, sweeps):
    if number < sweeps:
        return Case(json_line(sweep(number), number % 2 == 0))
    line = json_line(strings.next(rng), rng.random() < 0.3)
    return Case(mangle(rng, line) if rng.random() < MANGLED else line)


# ---- what Weir says ----


def weir_tokens(weir, encoding, lines, *flags):
    done = subprocess.run([weir, "tokens", "--lines", "--encoding", encoding, *flags],
                          input=b"\n".join(lines) + b"\n", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f"weir tokens ended with {done.returncode}: "
                           f"{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode().split("\n")[:-1]


class Judge:
    """One encoding's two sides."""

    def __init__(self, weir, name):
        self.weir = weir
        self.name = name
        self.real = real_tiktoken.encoding(name)

    def wanted(self, case):
        return self.real.encode_ordinary(case.text)

    def verdicts(self, cases):
        """For each case what is wrong with it, or None."""
        lines = [case.line for case in cases]
        ids = weir_tokens(self.weir, self.name, lines, "--ids")
        counts = weir_tokens(self.weir, self.name, lines)
        if len(ids) != len(cases) or len(counts) != len(cases):
            raise RuntimeError(f"{len(cases)} lines gave {len(ids)} and {len(counts)} results")
        for case, its_ids, its_count in zip(cases, ids, counts):
            wanted = self.wanted(case)
            if its_ids != " ".join(map(str, wanted)):
                yield f"ids [{its_ids[:300]}]"
            elif its_count != str(len(wanted)):
                yield f"count {its_count}"
            else:
                yield None


# ---- failures, made short ----


def pieces(case):
    """The units that may be left out, and how units become a line again."""
    plain = json.loads(case.line.decode("utf-8", "replace"))
    if json_line(plain, True) == case.line or json_line(plain, False) == case.line:
        return list(plain), lambda units: json_line("".join(units), True)
    return [case.line[i:i + 1] for i in range(1, len(case.line) - 1)], \
        lambda units: b'"' + b"".join(units) + b'"'


def candidate(line):
    try:
        return Case(line)
    except ValueError:  # leaving that out made it no JSON
        return None


def shorten(judge, case):
    """Leaves out parts, large ones first, as long as it fails."""
    units, join = pieces(case)
    size = max(1, len(units) // 2)
    for _ in range(SHORTEN_TRIES):
        rests = [units[:at] + units[at + size:] for at in range(0, len(units), size)]
        cases = [(rest, candidate(join(rest))) for rest in rests]
        cases = [(rest, its) for rest, its in cases if its is not None]
        found = next((rest for (rest, _), wrong in zip(cases, judge.verdicts([c for _, c in cases]))
                      if wrong), None)
        if found is not None:
            units = found
        elif size == 1:
            break
        size = max(1, min(size if found is not None else size // 2, len(units) // 2))
    return candidate(join(units)) or case


def describe(judge, case, seed, batch):
    short = shorten(judge, case)
    wrong = next(judge.verdicts([short]))
    return (f"{judge.name}: {short.line[:2000].decode(errors='backslashreplace')}: {wrong}, tiktoken has "
            f"{judge.wanted(short)[:60]} (seed {seed}, batch {batch})")


# ---- the run ----

state = {}  # a worker's own


def open_worker(arguments, count):
    state["strings"] = Strings()
    state["judges"] = [Judge(arguments.weir, name) for name in ENCODINGS]
    state["arguments"] = arguments
    state["count"] = count


def run_batch(batch):
    try:
        return compare(batch)
    except RuntimeError as why:
        raise RuntimeError(f"seed {state['arguments'].seed}, batch {batch}: {why}") from None


def compare(batch):
    """How many passed, how many bytes they were, how many failed, and how."""
    arguments, count = state["arguments"], state["count"]
    rng = generator(arguments.seed, batch)
    sweeps = min(SWEEP_COUNT, count // 40)  # of 300,000 all that have assigned characters
    numbers = range(batch * BATCH, min(count, (batch + 1) * BATCH))
    cases = [make_case(state["strings"], rng, number, sweeps) for number in numbers]
    bad, notes = set(), []
    for judge in state["judges"]:
        for number, wrong in enumerate(judge.verdicts(cases)):
            if wrong and number not in bad:
                bad.add(number)
                if len(notes) < SHOWN:
                    notes.append(describe(judge, cases[number], arguments.seed, batch))
    return len(cases) - len(bad), sum(len(case.line) for case in cases), len(bad), notes


def run(arguments):
    batches = -(-arguments.count // BATCH)
    passed = failed = size = shown = 0
    begun = told = time.monotonic()
    with multiprocessing.Pool(arguments.jobs, open_worker, (arguments, arguments.count)) as pool:
        for done, (good, its_size, bad, notes) in enumerate(
                pool.imap_unordered(run_batch, range(batches)), 1):
            passed, failed, size = passed + good, failed + bad, size + its_size
            for note in notes[:SHOWN - shown]:
                shown += 1
                print(note, flush=True)
            if time.monotonic() - told > 15 or done == batches:
                told = time.monotonic()
                print(f"  {passed + failed} strings, {size / 1e6:.0f} MB, {failed} failed, "
                      f"{told - begun:.0f} s", flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000, help="strings")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--weir", type=Path,
                        default=real_tiktoken.ROOT / "build" / "release" / "weir")
    arguments = parser.parse_args()
    arguments.weir = arguments.weir.absolute()
    if arguments.count < 1 or arguments.jobs < 1:
        parser.error("--count and --jobs are at least 1")
    real_tiktoken.enter()
    print(f"fuzz-tokens: {arguments.count} strings, {' and '.join(ENCODINGS)}, seed {arguments.seed}",
          flush=True)
    passed, failed = run(arguments)
    print(f"fuzz-tokens: {passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
