/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The quick start's provider: `weir sim` on a thread of this process, on a port of its own. */
#ifndef APP_SIMULATOR_H
#define APP_SIMULATOR_H

struct simulator;

/* NULL when it cannot listen; *error says why. */
struct simulator *simulator_start(const char **error);
void simulator_stop(struct simulator **address);
/* "http://127.0.0.1:PORT/v1" */
const char *simulator_base_url(const struct simulator *simulator);

#endif
