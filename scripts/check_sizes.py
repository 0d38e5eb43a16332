#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the guide figures of the design: no function over 70 lines, no file over 600, and the SPDX
lines at each file's head. Prints one line a violation and a summary of the figures."""

import argparse
import re
import statistics
import sys
from pathlib import Path

MAX_FUNCTION = 70
MAX_FILE = 600
FOLDERS = ("include", "src", "tests", "bench")
SPDX = ("SPDX-FileCopyrightText: The Weir authors", "SPDX-License-Identifier: Apache-2.0")

# With Linux braces a function's body is the lines between "{" and "}" in the first column.
OPENING = re.compile(r"^\{")
CLOSING = re.compile(r"^\}")
NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")


def functions(lines):
    """(name, first line, length) of each function, from its first line to its closing brace."""
    start = None
    for number, line in enumerate(lines, 1):
        if OPENING.match(line):
            first = number - 1
            while first > 1 and lines[first - 2].strip() and not lines[first - 2].startswith(
                    ("#", "}", "/", " *")) and not lines[first - 2].rstrip().endswith(";"):
                first -= 1
            start = first
        elif CLOSING.match(line) and start is not None:
            found = NAME.search(" ".join(lines[start - 1:number]))
            yield (found.group(1) if found else "?"), start, number - start + 1
            start = None


def comment_lines(lines):
    count, inside = 0, False
    for line in lines:
        text = line.strip()
        if inside or text.startswith(("/*", "//")) or "/*" in text:
            count += 1
        if "/*" in text:
            inside = "*/" not in text.split("/*")[-1]
        elif inside and "*/" in text:
            inside = False
    return count


def check(root):
    faults, lengths, files, comments, total = [], [], [], 0, 0
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".def"):
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            where = path.relative_to(root)
            head = "\n".join(lines[:2])
            faults += [f"{where}:1: no line '{mark}'" for mark in SPDX if mark not in head]
            if len(lines) > MAX_FILE:
                faults.append(f"{where}:1: {len(lines)} lines; a file has at most {MAX_FILE}")
            for name, first, length in functions(lines):
                if length > MAX_FUNCTION:
                    faults.append(f"{where}:{first}: {name} has {length} lines; a function has at "
                                  f"most {MAX_FUNCTION}")
                if folder == "src":
                    lengths.append(length)
            if folder in ("include", "src"):
                files.append(len(lines))
                comments += comment_lines(lines)
                total += len(lines)
    return faults, lengths, files, comments, total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent)
    faults, lengths, files, comments, total = check(parser.parse_args().root.resolve())
    for line in faults:
        print(line)
    if lengths:
        print(f"check_sizes: {len(faults)} violations; {len(files)} files, {total} lines, "
              f"{100 * comments // total} % comments; functions: median "
              f"{statistics.median(lengths):.0f} lines, longest {max(lengths)}; longest file "
              f"{max(files)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
