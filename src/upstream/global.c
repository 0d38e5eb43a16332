/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Curl's start, once a process, with our allocator. Under a sanitizer curl gets plain malloc, so
 * that a use after free inside curl is still seen.
 */
#include "upstream/client.h"

#include "base/assert.h"
#include "blocks.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLAIN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PLAIN_MALLOC 1
#endif
#endif

static void start(void)
{
#ifdef PLAIN_MALLOC
    CURLcode code =
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc, strdup, calloc);
#else
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, blocks_malloc, blocks_free,
                                         blocks_realloc, blocks_strdup, blocks_calloc);
#endif
    ASSERT(code == CURLE_OK);
}

void upstream_global_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}
