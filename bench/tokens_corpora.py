# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Text for bench/tokens.py, from what the system's packages ship: nothing of it is in this repository,
and the same packages give the same text. English from /usr/share (licences, documentation), code from
C headers and Python's library, CJK from translations, and chat bodies made of all three. 4 MiB each,
in documents of 64 KiB, with FILE.ends beside FILE to say where they end."""

import gzip
import hashlib
import json
import random
import re
import struct
import sysconfig
from itertools import chain, zip_longest
from pathlib import Path

SIZE = 4 << 20
DOCUMENT = 64 << 10
LEAST = 1 << 20  # of which a corpus is made by repeating it
SEED = 20261124
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
DOC_NAMES = re.compile(r"^(README|NEWS|FAQ|INSTALL|HACKING|copyright|.*\.(txt|md|rst|html))", re.I)


def read_text(path):
    """A file's text; None where it is none."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        return None


def files(*patterns):
    for root, pattern in patterns:
        yield from (path for path in sorted(Path(root).glob(pattern)) if path.is_file())


def english():
    for path in files(("/usr/share/common-licenses", "*"), ("/usr/share/doc", "*/*"),
                      ("/usr/share/doc", "*/*/*"), ("/usr/share/perl", "*/**/*.pod")):
        if path.parent.name == "common-licenses" or DOC_NAMES.match(path.name) or \
                path.suffix == ".pod":
            text = read_text(path)
            if text and sum(char < "\x80" for char in text) > 0.98 * len(text):
                yield text


def code():
    headers = files(("/usr/include", "*.h"), ("/usr/include", "*/*.h"))
    library = files((sysconfig.get_path("stdlib"), "*.py"), (sysconfig.get_path("stdlib"), "*/*.py"))
    for pair in zip(headers, library):
        yield from filter(None, map(read_text, pair))


def translations(path):
    """The translated strings of a compiled catalogue (the GNU gettext manual, "MO files")."""
    data = path.read_bytes()
    order = {0x950412DE: "<", 0xDE120495: ">"}.get(struct.unpack("<I", data[:4])[0])
    if order is None:
        return
    count, _, table = struct.unpack_from(f"{order}3I", data, 8)
    for i in range(count):
        size, at = struct.unpack_from(f"{order}2I", data, table + 8 * i)
        yield data[at:at + size].decode(errors="replace").replace("\0", "\n")


def cjk():
    """A catalogue of each language in turn."""
    languages = [files(("/usr/share/locale", f"{language}/LC_MESSAGES/*.mo"))
                 for language in ("zh_CN", "ja", "zh_TW", "ko")]
    for path in filter(None, chain.from_iterable(zip_longest(*languages))):
        yield "".join(text + "\n" for text in translations(path)
                      if len(CJK.findall(text)) * 2 > len(text))


def random_cjk():
    """For machines whose packages have left their translations out."""
    rng = random.Random(SEED)
    while True:
        yield "".join(chr(rng.randrange(0x4E00, 0x5E00)) for _ in range(30)) + "。\n"


def take(texts, size=SIZE):
    """The beginnings of different texts, up to `size` bytes in all."""
    seen, parts, total = set(), [], 0
    for text in texts:
        text = text[:DOCUMENT]
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in seen and text:
            seen.add(digest)
            parts.append(text)
            total += len(text.encode())
        if total >= size:
            break
    return "".join(parts)


def sentences(text):
    return [part for part in re.split(r"\n\s*\n|。\n", text) if 20 < len(part) < 2000]


def chat(prose, source, foreign):
    """Bodies of some turns, as clients send them."""
    rng = random.Random(SEED)
    kinds = [sentences(prose)] * 5 + [sentences(source)] * 3 + [sentences(foreign)] * 2
    while True:
        messages = [{"role": "system", "content": rng.choice(kinds[0])}]
        for turn in range(rng.randint(1, 9)):
            content = "\n\n".join(rng.choices(rng.choice(kinds), k=rng.randint(1, 3)))
            messages.append({"role": ("user", "assistant")[turn % 2], "content": content})
        body = {"model": "gpt-4o", "messages": messages, "temperature": 0.2, "max_tokens": 512}
        yield json.dumps(body, ensure_ascii=False) + "\n"


def cut(data):
    """Where documents end: at most DOCUMENT bytes, never inside a character."""
    ends, end = [], 0
    while end < len(data):
        end = min(end + DOCUMENT, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        ends.append(end)
    return ends


def write(path, text):
    data = text.encode()
    if len(data) > SIZE:
        data = data[:SIZE].decode(errors="ignore").encode()
    path.write_bytes(data)
    Path(f"{path}.ends").write_text("".join(f"{end}\n" for end in cut(data)))


def fill(name, text, fallback=None):
    size = len(text.encode())
    if size >= SIZE:
        return text
    if size < LEAST and fallback is not None:
        print(f"{name}: the packages here have only {size >> 10} KiB; random characters instead, which "
              "are harder than text")
        return take(fallback)
    if size == 0:
        raise SystemExit(f"bench: the packages here have no text for: {name}")
    print(f"{name}: the packages here have only {size >> 10} KiB, which repeats")
    return text * (SIZE // size + 1)


def make(folder):
    """{name: path}"""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"English": fill("English", take(english())), "code": fill("code", take(code())),
             "CJK": fill("CJK", take(cjk()), random_cjk())}
    texts["JSON chat"] = take(chat(texts["English"], texts["code"], texts["CJK"]))
    paths = {}
    for name in ("English", "code", "JSON chat", "CJK"):
        paths[name] = folder / f"{name.replace(' ', '-').lower()}.txt"
        write(paths[name], texts[name])
    return paths
