#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Runs each fuzz driver of a build for some seconds, one after the other, from its seeds and from
what earlier runs in the same build found. Prints a line a driver and, after a failure, where the
input lies that caused it. The last line is "N passed, N failed"."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "tests" / "fuzz" / "seeds"
INPUT_TIMEOUT_S = 10  # one input takes less than a millisecond
MEMORY_MIB = 2048
GRACE_S = 120  # beyond the time asked for: the seeds, and the last input
TAIL = 60  # lines of a failed run


def sanitizer_environment(scratch):
    environment = dict(os.environ, TMPDIR=scratch)
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    return environment


def last_number(pattern, output):
    found = re.findall(pattern, output)
    return int(found[-1]) if found else 0


def summary(output):
    executions = last_number(r"stat::number_of_executed_units: *(\d+)", output)
    speed = last_number(r"stat::average_exec_per_sec: *(\d+)", output)
    covered = last_number(r"\bcov: (\d+)", output)
    edges = last_number(r"\((\d+) inline 8-bit counters\)", output)
    inputs = last_number(r"\bcorp: (\d+)", output)
    return (f"{executions} executions ({speed}/s), {covered} of {edges} edges, "
            f"{inputs} inputs kept")


def run_driver(program, build, seconds):
    """Whether it found nothing."""
    name = program.name[len("fuzz_"):]
    seeds = SEEDS / name
    if not seeds.is_dir() or not any(seeds.iterdir()):
        print(f"{program.name}: no seeds in {seeds}", flush=True)
        return False
    corpus = build / "corpus" / name
    failures = build / "failures" / name
    for folder in (corpus, failures):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weir-") as scratch:
        command = [program, f"-max_total_time={seconds}", f"-timeout={INPUT_TIMEOUT_S}",
                   f"-rss_limit_mb={MEMORY_MIB}", "-print_final_stats=1",
                   f"-artifact_prefix={failures}/", corpus, seeds]
        try:
            run = subprocess.run(command, cwd=ROOT, env=sanitizer_environment(scratch),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=seconds + GRACE_S)
            output, code = run.stdout.decode(errors="replace"), run.returncode
        except subprocess.TimeoutExpired as late:
            output, code = (late.stdout or b"").decode(errors="replace") + "\nstuck\n", 1
    # A driver that ran nothing has proved nothing.
    ok = code == 0 and last_number(r"\bcov: (\d+)", output) > 0
    print(f"{program.name}: {summary(output)}: {'ok' if ok else 'FAILED'}", flush=True)
    if not ok:
        print("\n".join(output.splitlines()[-TAIL:]), flush=True)
        for path in re.findall(r"Test unit written to (\S+)", output):
            print(f"{program.name}: reproduce with: {program} {path}", flush=True)
    return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=60, help="for each driver")
    parser.add_argument("--only", action="append", help="these drivers alone: json, sse ...")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    programs = [path for path in sorted((build / "fuzz").glob("fuzz_*"))
                if os.access(path, os.X_OK)]
    if arguments.only:
        programs = [path for path in programs if path.name[len("fuzz_"):] in arguments.only]
    results = [run_driver(program, build, arguments.seconds) for program in programs]
    failed = results.count(False) if results else 1
    print(f"{results.count(True)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
