#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the coverage preset, runs the unit tests in it, and prints how many lines and branches of
each module they reach, by gcov. A header's functions count for its own module, and as reached where
any of the files that include it reaches them. With --files, the same for each file; with --missed,
the lines that nothing reached. `app` is what the end-to-end tests are for: they are not run here."""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 16  # files for each run of gcov


def build_preset(build):
    configured = subprocess.run(["cmake", "--preset", "coverage", "-B", build], cwd=ROOT,
                                stdout=subprocess.DEVNULL)
    if configured.returncode != 0:
        return False
    command = ["ninja", "-C", build, "-j", str(os.cpu_count() or 2), "--quiet"]
    return subprocess.run(command).returncode == 0


def run_tests(build):
    """Counts of earlier runs would be added to."""
    for counts in build.rglob("*.gcda"):
        counts.unlink()
    return subprocess.run([sys.executable, ROOT / "scripts" / "run_tests.py", "--build", build],
                          cwd=ROOT).returncode == 0


def gcov(notes):
    """What gcov says of each object file, as one tree a file. Of one that never ran it says 0."""
    command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes]
    run = subprocess.run(command, cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


class File:
    """Sums over the object files that a source or header went into."""

    def __init__(self):
        self.lines = defaultdict(int)
        self.branches = defaultdict(int)

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        for index, branch in enumerate(line.get("branches", [])):
            self.branches[(number, index)] += branch["count"]


def module_of(path):
    """"wire" of src/wire/url.c and of include/wire/url.h; None for what is not ours."""
    path = Path(path)
    path = path if path.is_absolute() else ROOT / path
    try:
        parts = path.resolve().relative_to(ROOT).parts
    except ValueError:
        return None, None
    if len(parts) < 3 or parts[0] not in ("src", "include"):
        return None, None
    return parts[1], "/".join(parts)


def collect(build):
    """{module: {path: File}}"""
    modules = defaultdict(lambda: defaultdict(File))
    notes = sorted(build.glob("CMakeFiles/weir*.dir/**/*.gcno"))
    for at in range(0, len(notes), AT_ONCE):
        for tree in gcov(notes[at:at + AT_ONCE]):
            for source in tree["files"]:
                module, path = module_of(source["file"])
                if module is None:
                    continue
                for line in source["lines"]:
                    modules[module][path].add(line)
    return modules


def reached(files):
    """(lines reached, lines, branches reached, branches)"""
    sums = [0, 0, 0, 0]
    for file in files:
        sums[0] += sum(count > 0 for count in file.lines.values())
        sums[1] += len(file.lines)
        sums[2] += sum(count > 0 for count in file.branches.values())
        sums[3] += len(file.branches)
    return sums


def percent(part, whole):
    return f"{100 * part / whole:6.1f} %" if whole else "       -"


def print_row(name, files):
    lines_hit, lines, branches_hit, branches = reached(files)
    print(f"{name:<34} {percent(lines_hit, lines)} {lines_hit:>6} of {lines:<6}"
          f" {percent(branches_hit, branches)} {branches_hit:>6} of {branches}")


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3, 7"."""
    runs = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def print_all(modules, by_file, missed):
    print(f"\n{'':<34} {'lines':>8} {'':>16} {'branches':>8}")
    for module in sorted(modules):
        print_row(module, modules[module].values())
        for path, file in sorted(modules[module].items()):
            if by_file:
                print_row("  " + path, [file])
            unreached = [number for number, count in file.lines.items() if count == 0]
            if missed and unreached:
                print(f"    {path}: {ranges(unreached)}")
    print_row("all", [file for files in modules.values() for file in files.values()])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "coverage")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--missed", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if not build_preset(build):
        return 1
    passed = run_tests(build)
    modules = collect(build)
    if not modules:
        sys.exit("coverage.py: gcov said nothing of our files")
    print_all(modules, arguments.files, arguments.missed)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
