# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The fuzzing of tokens is only worth what its strings are, and what it makes of a failure."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "scripts"))

import fuzz_tokens  # noqa: E402
import token_strings  # noqa: E402

STRINGS = token_strings.Strings()


def some(number, seed="test"):
    rng = token_strings.generator(seed, number)
    return [STRINGS.next(rng) for _ in range(2000)]


class FakeJudge:
    """Fails where a string has both of two characters."""

    name = "fake"

    def verdicts(self, cases):
        for case in cases:
            yield "wrong" if "Q" in case.text and "中" in case.text else None


class StringsTest(unittest.TestCase):
    def test_a_seed_gives_the_same_strings(self):
        self.assertEqual(some(1), some(1))
        self.assertNotEqual(some(1), some(2))
        self.assertNotEqual(some(1), some(1, "another"))

    def test_strings_have_all_lengths_and_categories(self):
        strings = some(1) + some(2)
        self.assertTrue(all(0 < len(string) <= 100000 for string in strings))
        self.assertTrue(any(len(string) > 1000 for string in strings))
        found = {category for category, members in token_strings.by_category().items()
                 if set(members) & set("".join(strings))}
        self.assertEqual(found, set(token_strings.by_category()))

    def test_the_sweep_has_every_character(self):
        seen = set()
        for number in range(token_strings.SWEEP_COUNT):
            seen.update(token_strings.sweep(number))
        self.assertEqual(len(seen), 0x110000 - 0x800)

    def test_mangled_lines_are_json_and_no_utf8(self):
        rng = token_strings.generator("test", 3)
        line = '"aé中😀\\n"'.encode()
        broken = [token_strings.mangle(rng, line) for _ in range(200)]
        for one in broken:
            self.assertIsInstance(json.loads(one.decode("utf-8", "replace")), str)
        self.assertGreater(sum(b"\xef\xbf\xbd" in one.decode("utf-8", "replace").encode()
                               for one in broken), 100)
        self.assertEqual(token_strings.mangle(rng, b'"plain"'), b'"plain"')

    def test_halves_of_pairs_are_as_tiktoken_reads_them(self):
        for text, wanted in (("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "😀"), ("\udc00\ud800", "\ufffd" * 2)):
            self.assertEqual(fuzz_tokens.Case(fuzz_tokens.json_line(text, False)).text, wanted)


class ShortenTest(unittest.TestCase):
    def shorten(self, line):
        return fuzz_tokens.shorten(FakeJudge(), fuzz_tokens.Case(line))

    def test_a_failure_is_made_as_short_as_can_be(self):
        text = "word " * 50 + "Q" + " x" * 30 + "中" + "y" * 100
        for ascii_only in (True, False):
            short = self.shorten(fuzz_tokens.json_line(text, ascii_only))
            self.assertEqual(short.text, "Q中")

    def test_so_is_one_of_broken_bytes(self):
        short = self.shorten('"abc\\nQ'.encode() + b"\xff\xfe" + 'def中\\u0041"'.encode())
        self.assertEqual(short.line, '"Q中"'.encode())


if __name__ == "__main__":
    unittest.main()
