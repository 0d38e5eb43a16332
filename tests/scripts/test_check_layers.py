#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""check_layers.py and check_sizes.py on planted violations: each must be found, and nothing else."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SPDX = ("/* SPDX-FileCopyrightText: The Weir authors */\n"
        "/* SPDX-License-Identifier: Apache-2.0 */\n")


class Planted(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("include/base", "include/loop", "include/wire", "src/base", "src/loop",
                       "src/wire", "src/sim", "include/llm", "tests/wire"):
            (self.root / folder).mkdir(parents=True)
        self.write("include/base/span.h", "")
        self.write("include/loop/loop.h", "")
        self.write("include/wire/json.h", "")
        self.write("include/llm/price.h", "")
        self.write("src/wire/table.h", "")

    def write(self, name, text):
        (self.root / name).write_text(SPDX + text)

    def run_script(self, script):
        done = subprocess.run([sys.executable, ROOT / "scripts" / script, self.root], text=True,
                              stdout=subprocess.PIPE)
        return done.returncode, done.stdout

    def expect(self, fragment):
        code, output = self.run_script("check_layers.py")
        self.assertEqual(code, 1, output)
        self.assertIn(fragment, output)
        self.assertIn("check_layers: 1 violations", output)

    def test_clean(self):
        self.write("src/wire/json.c", '#include "wire/json.h"\n#include "base/span.h"\n'
                                      '#include "table.h"\n#include <cjson/cJSON.h>\n')
        code, output = self.run_script("check_layers.py")
        self.assertEqual(code, 0, output)

    def test_upward(self):
        self.write("src/base/span.c", '#include "wire/json.h"\n')
        self.expect("src/base/span.c:3: base (layer 0) must not include wire/json.h (layer 1)")

    def test_sibling(self):
        self.write("src/wire/json.c", '#include "loop/loop.h"\n')
        self.expect("wire (layer 1) must not include loop/loop.h")

    def test_wrapper(self):
        self.write("src/wire/json.c", "#include <uv.h>\n")
        self.expect("uv.h belongs to loop and net, not wire")

    def test_private_header(self):
        self.write("src/loop/loop.c", '#include "table.h"\n')
        self.expect("table.h is private to another module, or missing")

    def test_simulator_shares_no_arithmetic(self):
        self.write("src/sim/bill.c", '#include "llm/price.h"\n')
        self.expect("sim must not include llm")

    def test_test_of_another_module(self):
        (self.root / "tests/loop").mkdir()
        self.write("tests/loop/test_loop.c", '#include "table.h"\n')
        self.expect("tests/loop/test_loop.c:3: table.h is not for this test")

    def test_top_level(self):
        (self.root / "notes.txt").write_text("")
        self.expect("notes.txt: nothing of that name belongs at the top of the tree")

    def test_unknown_module(self):
        (self.root / "src/helpers").mkdir()
        self.expect("src/helpers: not a module of DESIGN section 3")

    def test_long_function(self):
        body = "    x();\n" * 80
        self.write("src/base/long.c", "int f(void)\n{\n" + body + "}\n")
        code, output = self.run_script("check_sizes.py")
        self.assertEqual(code, 1)
        self.assertIn("src/base/long.c:3: f has 83 lines", output)

    def test_long_file(self):
        self.write("src/base/long.c", "int x;\n" * 700)
        code, output = self.run_script("check_sizes.py")
        self.assertEqual(code, 1)
        self.assertIn("a file has at most 600", output)

    def test_missing_licence_line(self):
        (self.root / "src/base/bare.c").write_text("int x;\n")
        code, output = self.run_script("check_sizes.py")
        self.assertEqual(code, 1)
        self.assertIn("src/base/bare.c:1: no line", output)


if __name__ == "__main__":
    unittest.main()
