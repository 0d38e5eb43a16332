#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The long soak: reloads under load at ten a second, half of them invalid, with no failed request and
resident memory as before; then SIGTERM under load, again and again, which fails nothing that can
finish. Ends with "soak: N passed, N failed"."""

import argparse
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import soak  # noqa: E402
from harness import Settings  # noqa: E402


def passes(name, run):
    try:
        print(f"{name}: ok\n    {run()}", flush=True)
        return True
    except Exception:  # the others are still worth running
        print(f"{name}: FAILED\n{traceback.format_exc()}", flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", type=Path, default=ROOT / "build" / "release" / "weir")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--ends", type=int, default=20, help="how often it is ended under load")
    arguments = parser.parse_args()
    Settings.weir = Settings.release = arguments.weir.resolve()
    results = [passes("reloads", lambda: soak.reloads_under_load(arguments.reloads, warm=100))]
    results += [passes(f"end {number}", lambda: soak.sigterm_under_load(100))
                for number in range(1, arguments.ends + 1)]
    print(f"soak: {sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
