#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Formatting, layers, sizes, and clang-tidy over the compile commands of the clang preset. Each check
counts as one test: the last line is "lint: N passed, N failed"."""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


def digest(command, known):
    """What the verdict on a source depends on: how it is compiled, and all that it reads."""
    words = shlex.split(command)
    out = words.index("-o")
    reads = subprocess.run(words[:out] + words[out + 2:] + ["-M"], cwd=ROOT, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    files = reads.replace("\\\n", " ").split()[1:]
    for name in files:
        if name not in known:
            known[name] = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    parts = [command, *(known[name] for name in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def tidy_one(build, name):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", str(build), name], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    print(done.stdout, end="", flush=True)
    return done.returncode == 0


def tidy():
    build = ROOT / "build" / "clang"
    files = [name for name in sources(".c") if name.startswith("src/")]
    # Each time: only a build would notice new sources and flags by itself.
    subprocess.run(["cmake", "--preset", "clang"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    database = json.loads((build / "compile_commands.json").read_text())
    commands = {os.path.relpath(entry["file"], ROOT): entry["command"] for entry in database}
    version = subprocess.run(["clang-tidy", "--version"], text=True, stdout=subprocess.PIPE,
                             check=True).stdout
    rules = version + (ROOT / ".clang-tidy").read_text()

    # What was fine, and is as it was then, is fine.
    passed_file = build / "tidy.json"
    passed = json.loads(passed_file.read_text()) if passed_file.exists() else {}
    if passed.get("rules") != rules:
        passed = {"rules": rules}
    known = {}
    digests = {name: digest(commands[name], known) for name in files}
    changed = [name for name in files if passed.get(name) != digests[name]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(changed, pool.map(lambda name: tidy_one(build, name), changed)))
    passed.update({name: digests[name] for name in changed if results[name]})
    passed_file.write_text(json.dumps(passed))

    ok = all(results.values())
    print(f"clang-tidy: {'ok' if ok else 'FAILED'}; {len(files)} files, {len(changed)} changed",
          flush=True)
    return ok


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
