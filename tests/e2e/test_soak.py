# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The short soak; ./dev soak is the long one."""

import soak


def test_a_hundred_reloads_under_load():
    return soak.reloads_under_load(100, warm=60)


def test_sigterm_under_load_fails_nothing_that_can_finish():
    return soak.sigterm_under_load(20)
