#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the CMocka programs of a build and the end-to-end tests, counts their tests, and ends with
one line: "N passed, N failed" (", N skipped" where any were)."""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNIT_TIMEOUT_S = 300
E2E_TIMEOUT_S = 900

RESULT = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\S+)")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def sanitizer_environment():
    environment = dict(os.environ)
    environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    environment.setdefault("TSAN_OPTIONS", "halt_on_error=1")
    return environment


def run_program(program, tally):
    """One CMocka program: its tests are counted from its output; a crash is one failure."""
    begun = time.monotonic()
    try:
        run = subprocess.run([program], cwd=ROOT, env=sanitizer_environment(), text=True,
                             errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=UNIT_TIMEOUT_S)
        output, code = run.stdout, run.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace") + "\ntimed out\n", 1
    results = {}
    for line in output.splitlines():
        found = RESULT.match(line)
        # The summary's lines begin alike: with a number, or (1.1.7) with the group and a colon.
        if found and not found.group(2).isdigit() and not found.group(2).endswith(":") and \
                not line.rstrip().endswith("test(s)."):
            results.setdefault(found.group(1), []).append(found.group(2))
    passed = len(results.get("OK", []))
    # CMocka names a failed test in its line and again in the summary.
    failed = len(set(results.get("FAILED", [])) - {"tests"})
    skipped = len(set(results.get("SKIPPED", [])))
    if code != 0 and failed == 0:
        failed = 1
    tally.add(passed, failed, skipped)
    state = "ok" if failed == 0 else "FAILED"
    print(f"{program.name}: {passed} passed, {failed} failed, {time.monotonic() - begun:.1f} s "
          f"{state}", flush=True)
    if skipped:
        print(f"    skipped: {', '.join(sorted(set(results['SKIPPED'])))}", flush=True)
    if failed or code != 0:
        print(output, flush=True)


def run_python_tests(tally):
    """The scripts' own tests."""
    for test in sorted((ROOT / "tests" / "scripts").glob("test_*.py")):
        run = subprocess.run([sys.executable, test], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=UNIT_TIMEOUT_S)
        found = re.search(r"^Ran (\d+) test", run.stdout, re.M)
        ran = int(found.group(1)) if found else 0
        failed = 0 if run.returncode == 0 and ran else 1
        tally.add(ran - failed if ran else 0, failed, 0)
        print(f"{test.name}: {ran} ran, {'ok' if not failed else 'FAILED'}", flush=True)
        if failed:
            print(run.stdout, flush=True)


def run_e2e(build, tally):
    command = [sys.executable, str(ROOT / "tests" / "e2e" / "run.py"), "--weir",
               str(build / "weir"), "--release", str(ROOT / "build" / "release" / "weir"),
               "--sdks", str(ROOT / "build" / "sdks")]
    run = subprocess.Popen(command, cwd=ROOT, env=sanitizer_environment(), text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    counted = None
    for line in run.stdout:
        print(line, end="", flush=True)
        found = re.match(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", line)
        if found:
            counted = [int(group) for group in found.groups()]
    code = run.wait(timeout=E2E_TIMEOUT_S)
    if counted is None:
        counted = [0, 1, 0]
    if code != 0 and counted[1] == 0:
        counted[1] = 1
    tally.add(*counted)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--e2e", action="store_true", help="the end-to-end tests too")
    parser.add_argument("--e2e-only", action="store_true")
    parser.add_argument("--only", action="append", help="unit tests of these modules alone")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    tally = Tally()
    if not arguments.e2e_only:
        for program in sorted((build / "tests").glob("test_*")):
            if program.is_file() and os.access(program, os.X_OK):
                if not arguments.only or program.name[len("test_"):] in arguments.only:
                    run_program(program, tally)
        if not arguments.only:
            run_python_tests(tally)
    if arguments.e2e or arguments.e2e_only:
        run_e2e(build, tally)
    if tally.passed == 0:
        tally.failed += 1
    print(tally.line(), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
