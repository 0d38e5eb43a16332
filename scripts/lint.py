#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Formatting, layers, sizes, and clang-tidy over the compile commands of the clang preset. Each check
counts as one test: the last line is "lint: N passed, N failed"."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def sources(*suffixes):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return [name for name in listed if name.endswith(suffixes) and (ROOT / name).exists()]


def run(name, command):
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0 or name.startswith("check"):
        print(done.stdout, end="", flush=True)
    return done.returncode == 0


def tidy():
    build = ROOT / "build" / "clang"
    if not (build / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "clang"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    files = [name for name in sources(".c") if name.startswith("src/")]
    jobs = str(os.cpu_count() or 2)
    command = ["xargs", "-P", jobs, "-n", "1", "clang-tidy", "--quiet", "-p", str(build)]
    done = subprocess.run(command, cwd=ROOT, text=True, input="\n".join(files),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    print(f"clang-tidy: {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-tidy", action="store_true", help="leave out the slow one")
    arguments = parser.parse_args()
    results = [
        run("clang-format", ["clang-format", "--dry-run", "-Werror", *sources(".c", ".h")]),
        run("check_layers", [sys.executable, "scripts/check_layers.py"]),
        run("check_sizes", [sys.executable, "scripts/check_sizes.py"]),
    ]
    if not arguments.no_tidy:
        results.append(tidy())
    print(f"lint: {sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
