/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values. err.def lists each once; modules return `enum err`, only the gateway's REFUSE
 * step makes bytes of one and only RECORD a metric label.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
#define ERR(name, status, type, code, sentence) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

struct err_info {
    const char *name;     /* "budget_busy": the metric label */
    int status;           /* HTTP */
    const char *type;     /* OpenAI's error.type */
    const char *code;     /* OpenAI's error.code, or NULL */
    const char *sentence; /* for people */
};

/* Never NULL. Any thread. */
const struct err_info *err_info(enum err err);

#endif
