/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The table of endpoints. A new one is a line here, and what its kind needs in the steps. */
#include "endpoint.h"

#include "llm/dialect.h"

#include <stddef.h>

static const struct endpoint endpoints[] = {
    {ENDPOINT_CHAT, "/v1/chat/completions", SPAN_INIT("/v1/chat/completions"), false,
     SPAN_INIT("POST"), true, &dialect_openai},
    {ENDPOINT_COMPLETIONS, "/v1/completions", SPAN_INIT("/v1/completions"), false,
     SPAN_INIT("POST"), true, &dialect_openai_completions},
    {ENDPOINT_EMBEDDINGS, "/v1/embeddings", SPAN_INIT("/v1/embeddings"), false, SPAN_INIT("POST"),
     true, &dialect_openai_embeddings},
    {ENDPOINT_MODELS, "/v1/models", SPAN_INIT("/v1/models"), false, SPAN_INIT("GET"), false,
     &dialect_openai},
    {ENDPOINT_MODEL, "/v1/models/{id}", SPAN_INIT("/v1/models/"), true, SPAN_INIT("GET"), false,
     &dialect_openai},
};

const struct endpoint endpoint_unknown = {ENDPOINT_MODELS, "other", SPAN_INIT(""),  false,
                                          SPAN_INIT(""),   false,   &dialect_openai};

const struct endpoint *endpoint_find(struct span path, struct span *tail)
{
    *tail = SPAN_NONE;
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        const struct endpoint *endpoint = &endpoints[i];
        if (!endpoint->tail && span_equal(path, endpoint->path))
            return endpoint;
        if (endpoint->tail && path.len > endpoint->path.len &&
            span_starts_with(path, endpoint->path)) {
            *tail = span_from(path, endpoint->path.len);
            return endpoint;
        }
    }
    return NULL;
}

bool endpoint_takes(const struct endpoint *endpoint, struct span method)
{
    if (span_equal(method, endpoint->method))
        return true;
    return span_equal(method, SPAN("HEAD")) && span_equal(endpoint->method, SPAN("GET"));
}

struct span endpoint_allow(const struct endpoint *endpoint)
{
    return span_equal(endpoint->method, SPAN("GET")) ? SPAN("GET, HEAD") : endpoint->method;
}
