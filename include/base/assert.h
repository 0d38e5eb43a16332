/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions that stay on in release builds. One states what our own code guarantees; nothing a
 * client, a provider or an operator sends can trip one. A failure prints the place and aborts: the
 * supervisor restarts the process, and the ledger is intact.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

/* For a branch that our own invariants exclude. */
#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

/* Prints "assertion failed: TEXT at FILE:LINE" to stderr and aborts. Any thread. */
_Noreturn void assert_failed(const char *text, const char *file, int line);

#endif
