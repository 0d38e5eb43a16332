/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command named on the line. */
#include "app.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *synopsis;
} commands[] = {
    {"run", cmd_run, "weir run [-c FILE]                      the gateway"},
    {"check", cmd_check, "weir check [-c FILE]                    validates the configuration"},
    {"sim", cmd_sim, "weir sim [--listen A:P] [--prices FILE] the simulated provider"},
    {"tokens", cmd_tokens, "weir tokens [--chat] [FILE]             tokens of a text or a body"},
    {"keys", cmd_keys, "weir keys new --tenant T [--id ID]      a new client key"},
    {"prices", cmd_prices,
     "weir prices import|diff FILE            price lists of others, and what changed"},
    {"spend", cmd_spend, "weir spend [--by tenant,…] [--since D]  what was spent"},
    {"ledger", cmd_ledger,
     "weir ledger verify|prove|rebuild|…      whether what is kept of it is right"},
};

static void usage(FILE *out)
{
    fprintf(out, "Weir %s, an LLM API gateway\n\n", WEIR_VERSION);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %s\n", commands[i].synopsis);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)) {
        printf("weir %s\n", WEIR_VERSION);
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    bool asked = argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    usage(asked ? stdout : stderr);
    return asked ? 0 : 2;
}
