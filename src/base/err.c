/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table behind err_info(), made from err.def. The preprocessor cannot lower letters, so the
 * names are written once, at the first call.
 */
#include "base/err.h"

#include "base/assert.h"

#include <pthread.h>
#include <stddef.h>

#define NAME_SIZE 32

#define ERR(name, status, type, code, sentence) \
    _Static_assert(sizeof(#name) <= NAME_SIZE, "NAME_SIZE is too small for " #name);
#include "base/err.def"
#undef ERR

static const char upper[ERR_COUNT][NAME_SIZE] = {
#define ERR(name, status, type, code, sentence) #name,
#include "base/err.def"
#undef ERR
};

static char lower[ERR_COUNT][NAME_SIZE];

static const struct err_info infos[ERR_COUNT] = {
#define ERR(name, status, type, code, sentence) {lower[ERR_##name], status, type, code, sentence},
#include "base/err.def"
#undef ERR
};

static void lower_names(void)
{
    for (size_t err = 0; err < ERR_COUNT; err++)
        for (size_t i = 0; i < NAME_SIZE; i++) {
            char c = upper[err][i];
            lower[err][i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
}

const struct err_info *err_info(enum err err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    ASSERT((unsigned)err < ERR_COUNT);
    pthread_once(&once, lower_names);
    return &infos[err];
}
