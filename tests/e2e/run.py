#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Runs every function test_* of the modules test_*.py beside this file, against the binaries named, and
ends with "e2e: N passed, N failed, N skipped"."""

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import Settings, Skip  # noqa: E402


def tests(only):
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in list(vars(module).items()):
            if name.startswith("test_") and callable(function) and (not only or only in
                                                                    f"{path.stem}.{name}"):
                yield f"{path.stem}.{name}", function


def run(name, function):
    begun = time.monotonic()
    try:
        note = function()
        verdict = "ok"
    except Skip as why:
        note, verdict = str(why), "skipped"
    except Exception:  # any failure is a failure of this test alone
        note, verdict = traceback.format_exc(), "FAILED"
    line = f"{name}: {verdict} ({time.monotonic() - begun:.1f} s)"
    print(f"{line}\n    {note}" if note else line, flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", type=Path, required=True)
    parser.add_argument("--release", type=Path, required=True)
    parser.add_argument("--sdks", type=Path, required=True)
    parser.add_argument("--only", help="a part of a test's name")
    arguments = parser.parse_args()
    Settings.weir = arguments.weir.resolve()
    Settings.release = arguments.release.resolve()
    Settings.sdks = arguments.sdks.absolute()
    verdicts = [run(name, function) for name, function in tests(arguments.only)]
    print(f"e2e: {verdicts.count('ok')} passed, {verdicts.count('FAILED')} failed, "
          f"{verdicts.count('skipped')} skipped", flush=True)
    return 1 if "FAILED" in verdicts or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
