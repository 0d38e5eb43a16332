# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Strings that tokenizers find hard, from a seed: what fuzz_tokens.py feeds. The first of a run sweep
through the characters of Unicode in contexts that every class of the grammars can tell apart; the
rest are joined from pools of atoms, one to three pools a string."""

import random
import unicodedata

SURROGATES = range(0xD800, 0xE000)
SPECIALS = ("<|endoftext|> <|endofprompt|> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|start|> "
            "<|end|> <|message|> <|channel|> <|call|> <|return|> <|constrain|> <|startoftext|> "
            "<|reserved_200013|> <|endoftext <| |> <|end|").split()
# To tokenizers a word is letters and what stands before them; these are made up of common syllables.
SYLLABLES = ("a an al at be ber ca ch com con de der di do e en er est ex fi for ge h he i in ing ion is "
             "it k la le li lo ma ment mi n na ne ness no o of on or ou pa per pre pro qu r ra re ri ro "
             "s sa se sh st t ta te th ti tion to tr u un ur us v ve w wh x y z").split()
PUNCTUATION = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + [
    "...", "->", "=>", "::", "//", "/*", "*/", "<!--", "-->", "==", "!=", "&&", "||", "++", "({", "})",
    "”", "“", "‘", "’", "–", "—", "…", "«", "»", "。", "、", "「", "」", "！", "€", "£", "°", "©", "™",
    "\u20ac/", "/\n", "/\r\n/", ")\n", ";\n\n", "{\r\n", "//\n/"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", " \n", "\n ", "\t\t", " \t", "\v",
          "\f", "\x85", "\xa0", "\u1680", "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029",
          "\u202f", "\u205f", "\u3000", "\ufeff", "\u200b", "\u180e", "\x1c", "\x1d", "\x1e", "\x1f",
          "\x00", "\x7f"]
CONTRACTIONS = [mark + ending for mark in ("'", "\u2019", " '", "''") for ending in (
    "s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "M", "lL", "D", "\u017f", "\u017fs",
    "x", "r", "v", "l", "sa", "llo", "dD", "ſt")]
DIGITS = ["0", "1", "12", "123", "1234", "12345", "3.14", "1,000", "2024-11-24", "0x1F", "1e9", "٣", "٣٤٥",
          "१२", "½", "²", "Ⅳ", "ⅷ", "①", "𝟙", "𝟘𝟙𝟚𝟛", "零", "〇", "௧௨", "๑๒๓๔"]
EMOJI = ["😀", "👍", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "❤️", "☕", "🇩🇪", "🇯🇵🇰🇷", "1️⃣", "🧑🏿‍💻", "🫠", "\u200d", "\ufe0f",
         "🏽", "🏴\U000e0067\U000e0062\U000e007f"]
MARKS = ["\u0301", "\u0308", "\u0300\u0323", "e\u0301", "E\u0301", "\u0301A", "\u0301a", "\u20dd", "\u0903",
         "\u093f", "\u0e31", "\u05b0", "\u064b", "\u1ab0", "\U000e0100", "\u3099", "か\u3099", "\ufe20"]
CASES = ["ǅ", "ǈ", "ʰ", "ª", "º", "İ", "ı", "ß", "ẞ", "ſ", "K", "Å", "ꭰ", "Ꭰ", "ა", "Ა", "Ⴀ", "ⴀ", "𝐀", "𝐚",
         "Ⅷ", "ⅷ", "Ⓐ", "ⓐ", "camelCase", "CamelCase", "HTMLParser", "iPhone", "McDonald", "ABC中DEF",
         "abc中def", "aB", "Ab", "AB", "aBc", "XMLHttp", "ʰA", "Aʰ", "aʰA"]
CODE = ["if (", "for (int i = 0; i < n; i++) {\n", "    return x;\n", "def f(self, *args):\n        ",
        "#include <stdio.h>\n", "const a = [1, 2, 3];", "\t\treturn nil, err\n\t}\n", "</div>\n", "<br/>",
        "SELECT * FROM t WHERE a='b';\n", "https://example.com/a/b?c=d&e=%20f#g", "user@example.com",
        "/* x */", "// y\n", "# z\n", "0xDEADBEEF", "a_b_c", "__init__", "\\n\\t\\u00e9", "${HOME}/bin:$PATH",
        "std::vector<int>", "->next", "===", "\n\n\n", "            ", "});\n", "'''", '"""', "```c\n",
        "| a | b |\n|---|---|\n"]
JSON = ['{"role": "user", "content": "', '"}', '",\n  "', "[{", "}]", '": [1, 2.5, -3e4, null, true]',
        '{"a":{"b":{"c":', "}}}", '\\"', "\\\\", "\\u00e9", ', "', '": "', "null", "false"]
RUNS = ["a", "A", " ", "\n", "\t", "-", "=", "0", "中", "あ", "한", "😀", "\u0301", "ab", "aB", "'s", " a",
        "\r\n", "/", "_", "\u3000", "é", "x1", "<|", "...", "\x85", "Aa", "e\u0301", "ไ", "\ufeff"]
LONE = ["\ud800", "\udbff", "\udc00", "\udfff", "a\ud83d", "\ude00b"]


def is_scalar(code):
    return code not in SURROGATES


def by_category():
    """Unicode's categories, as far as this Python knows them; the rest is Cn."""
    found = {}
    for code in range(0x110000):
        if is_scalar(code):
            found.setdefault(unicodedata.category(chr(code)), []).append(chr(code))
    return found


def script(*ranges):
    return [chr(code) for first, last in ranges for code in range(first, last + 1)]


def pools():
    categories = by_category()
    cyrillic = script((0x400, 0x52F))
    han = script((0x4E00, 0x9FFF))
    every = {
        "words": [before + word for word in SYLLABLES + [s.capitalize() for s in SYLLABLES]
                  for before in ("", "", " ")],
        "text": [" the", " of", " and", "The", " I", " don't", ", ", ". ", "\n", " it's", " we", "'ll", " 3",
                 " years", " later", "—", " “", "” ", "!", "?", " HTTP", " iPhone", " naïve", " café", "\n\n"],
        "code": CODE, "json": JSON, "spaces": SPACES, "contractions": CONTRACTIONS + SYLLABLES[:20],
        "digits": DIGITS, "emoji": EMOJI, "marks": MARKS + SYLLABLES[:10], "cases": CASES,
        "punctuation": PUNCTUATION, "specials": SPECIALS + [" ", "a", "\n"],
        "han": han, "kana": script((0x3041, 0x30FF)), "hangul": script((0xAC00, 0xD7A3)),
        "cjk": han[:3000] + script((0x3041, 0x30FF)) * 5 + list("，。！？：；（）「」、 ") * 20,
        "cyrillic": cyrillic + [" " + letter for letter in cyrillic],
        "greek": script((0x370, 0x3FF)), "arabic": script((0x600, 0x6FF)) + [" "] * 30,
        "hebrew": script((0x591, 0x5F4)) + [" "] * 20, "thai": script((0xE01, 0xE5B)),
        "indic": script((0x900, 0xDFF)) + [" "] * 100, "ethiopic": script((0x1200, 0x139F)),
        "georgian": script((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
        "cherokee": script((0x13A0, 0x13FF), (0xAB70, 0xABBF)), "latin": script((0xC0, 0x24F)),
        "rare": script((0x10000, 0x11FFF), (0x12000, 0x12FFF), (0x16800, 0x16FFF), (0x1E000, 0x1EFFF)),
        "symbols": script((0x1D400, 0x1D7FF), (0x2100, 0x2BFF)), "pictures": script((0x1F000, 0x1FAFF)),
        "basic": [chr(code) for code in range(0x10000) if is_scalar(code)],
        "ascii": [chr(code) for code in range(0x80)], "bytes": [chr(code) for code in range(0x100)],
        "lone": LONE + SYLLABLES[:6],
    }
    every.update({f"category {name}": members for name, members in categories.items()})
    return every


SWEEP_WIDTH = 64
# Where assigned characters are, first.
SWEEP = [code for plane in (0, 1, 2, 3, 14, *range(4, 14), 15, 16)
         for code in range(plane << 16, (plane + 1) << 16) if is_scalar(code)]
SWEEP_COUNT = -(-len(SWEEP) // SWEEP_WIDTH)


def sweep(number):
    """After a small letter, before a capital and a small one, a digit, a contraction, white space, a
    line's end, itself."""
    chars = [chr(code) for code in SWEEP[number * SWEEP_WIDTH:(number + 1) * SWEEP_WIDTH]]
    return "".join(f"a{c}Ab{c}b {c}1 {c}'s{c}{c}\n{c}\r!{c}/ \t" for c in chars)


class Strings:
    def __init__(self):
        self.pools = pools()
        self.names = list(self.pools)
        everyday = ("words", "text", "code", "json", "spaces", "punctuation", "contractions", "cases",
                    "digits", "cjk", "emoji", "marks")
        self.weights = [4 if name in everyday else 1 for name in self.names]

    @staticmethod
    def length(rng):
        kind = rng.random()
        if kind < 0.0001:
            return rng.randint(5000, 100000)
        if kind < 0.02:
            return rng.randint(200, 5000)
        return rng.randint(1, 40) if kind < 0.5 else rng.randint(1, 200)

    @staticmethod
    def run(rng, length):
        atom = rng.choice(RUNS)
        return atom * (length // len(atom) + 1)

    def mixture(self, rng, length):
        """Atoms of some pools; now and then a run, or a code point that may be any."""
        names = rng.choices(self.names, self.weights, k=rng.choice((1, 2, 2, 3, 3)))
        each = length // len(names) + 1
        # An atom is a character at least; some pools' are longer, and the string is cut.
        parts = [atom for name in names for atom in rng.choices(self.pools[name], k=each)]
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            wild = chr(rng.randrange(0x110000))
            parts.append(wild if is_scalar(ord(wild)) else rng.choice(RUNS) * rng.randint(1, 90))
        if rng.random() < 0.8:
            rng.shuffle(parts)
        return "".join(parts)

    def next(self, rng):
        length = self.length(rng)
        whole = self.run(rng, length) if rng.random() < 0.02 else self.mixture(rng, length)
        return whole[:length]


def mangle(rng, line):
    """A JSON line of raw UTF-8 with bytes beyond ASCII lost, doubled or replaced: JSON still, and
    no UTF-8 any more."""
    places = [place for place, byte in enumerate(line) if byte >= 0x80]
    if not places:
        return line
    changed = bytearray(line)
    for place in sorted(rng.sample(places, min(len(places), rng.randint(1, 4))), reverse=True):
        kind = rng.randrange(3)
        changed[place:place + 1] = (b"", changed[place:place + 1] * 2,
                                    bytes((rng.randrange(0x80, 0x100),)))[kind]
    return bytes(changed)


def generator(seed, number):
    return random.Random(f"{seed}/{number}")
