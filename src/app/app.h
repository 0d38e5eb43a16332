/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands. Each takes its own argc and argv (argv[0] is the command's name) and returns the exit
 * code: 0 well, 1 failed, 2 called wrongly.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_tokens(int argc, char **argv);
int cmd_prices(int argc, char **argv);
int cmd_spend(int argc, char **argv);
int cmd_ledger(int argc, char **argv);

#endif
