# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The 72 bad inputs and bypass attempts that a gateway must get right, as rows of a table. What this
version has no part of is listed as such. The rows: bad_requests.py (1 to 25), bad_bodies.py (26 to
52), bad_money.py (53 to 65), bad_upstreams.py (66 to 72)."""

from collections import defaultdict

import bad_bodies    # noqa: F401 (the import registers the rows)
import bad_money     # noqa: F401
import bad_requests  # noqa: F401
import bad_upstreams
from bad_inputs import ELSEWHERE, NOT_HERE, ROWS, Bench

INPUTS = 72


def table(wrong):
    by_number = defaultdict(list)
    for number, what, _, _ in ROWS:
        by_number[number].append(what)
    lines = []
    for number in range(1, INPUTS + 1):
        for what in by_number[number]:
            verdict = "WRONG" if (number, what) in wrong else "right"
            lines.append(f"{number:>3}  {verdict:<12} {what}")
        if number in ELSEWHERE:
            lines.append(f"{number:>3}  unit test    {ELSEWHERE[number]}")
        if number in NOT_HERE:
            lines.append(f"{number:>3}  not here yet {NOT_HERE[number]}")
    return lines


def test_72_bad_inputs():
    tried = {number for number, *_ in ROWS}
    missing = set(range(1, INPUTS + 1)) - tried - set(ELSEWHERE) - set(NOT_HERE)
    assert not missing, f"without a row: {sorted(missing)}"
    wrong = {}
    bench = Bench(bad_upstreams.ANSWERS)
    try:
        for number, what, calls, function in sorted(ROWS, key=lambda r: r[0]):
            complaint = bench.run(calls, function)
            if complaint is not None:
                wrong[(number, what)] = complaint
    finally:
        bench.close()
    assert not wrong, "\n".join(f"{key[0]} {key[1]}: {why}" for key, why in wrong.items())
    return "\n    ".join([*table(wrong), f"{len(ROWS)} rows of {len(tried)} inputs right, 0 wrong; "
                          f"{len(ELSEWHERE)} inputs in unit tests; "
                          f"{len(set(NOT_HERE) - tried)} not here yet"])
