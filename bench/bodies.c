/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Chat bodies: a fixed frame around messages, parts or tools that are added until the size is
 * reached. */
#include "bodies.h"

#include "base/span.h"

struct chance {
    uint64_t state;
};

const char *const body_texts[BODY_KINDS] = {
#define BODY_TEXT(NAME, TEXT) [BODY_##NAME] = TEXT,
    BODIES(BODY_TEXT)
#undef BODY_TEXT
};

/* 0 … below-1; xorshift64*. */
static size_t below(struct chance *chance, size_t limit)
{
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (size_t)(chance->state * UINT64_C(0x2545F4914F6CDD1D) >> 32) % limit;
}

static void add_string(struct buf *out, const char *text)
{
    buf_append(out, span_from_string(text));
}

static void add_one_of(struct buf *out, struct chance *chance, const char *const *words,
                       size_t count)
{
    add_string(out, words[below(chance, count)]);
}

#define ADD_ONE_OF(out, chance, words) \
    add_one_of(out, chance, words, sizeof(words) / sizeof((words)[0]))

static void add_prose(struct buf *out, struct chance *chance)
{
    static const char *const words[] = {"the",     "of",     "request", "and",    "a",
                                        "gateway", "which",  "because", "answer", "in",
                                        "tokens",  "should", "is",      "before", "measure"};
    static const char *const ends[] = {" ", " ", " ", " ", " ", " ", ", ", ". ", ".\\n\\n"};
    ADD_ONE_OF(out, chance, words);
    ADD_ONE_OF(out, chance, ends);
}

static void add_code(struct buf *out, struct chance *chance)
{
    static const char *const lines[] = {
        "    if (buffer == NULL)\\n",         "\\treturn strcmp(a, \\\"b\\\") == 0;\\n",
        "    printf(\\\"%d\\\\n\\\", x);\\n", "}\\n\\n",
        "static int next(void)\\n{\\n",       "#include <stdio.h>\\n"};
    ADD_ONE_OF(out, chance, lines);
}

static void add_scripts(struct buf *out, struct chance *chance)
{
    static const char *const words[] = {"запрос ", "ответ ", "почему ", "шлюз, ",
                                        "请求",    "回答。", "网关",    "为什么，"};
    ADD_ONE_OF(out, chance, words);
}

static void add_base64(struct buf *out, struct chance *chance)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char piece[64];
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = digits[below(chance, 64)];
    buf_append(out, span_make(piece, sizeof(piece)));
}

/* Messages of 100 to 4,000 bytes, users and assistants in turn. */
static void add_messages(struct buf *out, struct chance *chance, size_t size,
                         void (*add)(struct buf *, struct chance *))
{
    bool user = true;
    do {
        add_string(out, user ? ",{\"role\":\"user\",\"content\":\""
                             : ",{\"role\":\"assistant\",\"content\":\"");
        for (size_t end = buf_len(out) + 100 + below(chance, 3900); buf_len(out) < end;)
            add(out, chance);
        add_string(out, "\"}");
        user = !user;
    } while (buf_len(out) < size);
}

static void add_picture(struct buf *out, struct chance *chance, size_t size)
{
    add_string(out,
               ",{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What is this?\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,");
    while (buf_len(out) < size)
        add_base64(out, chance);
    add_string(out, "\"}}]}");
}

static void add_tools(struct buf *out, struct chance *chance, size_t size)
{
    static const char *const types[] = {"string", "integer", "boolean", "number"};
    add_string(out, ",{\"role\":\"user\",\"content\":\"Go on.\"}],\"tools\":[");
    for (size_t tool = 0; buf_len(out) < size; tool++) {
        buf_printf(out,
                   "%s{\"type\":\"function\",\"function\":{\"name\":\"tool_%zu\",\"description\":"
                   "\"Looks it up\",\"strict\":true,\"parameters\":{\"type\":\"object\","
                   "\"properties\":{",
                   tool == 0 ? "" : ",", tool);
        for (size_t field = 0, fields = 1 + below(chance, 8); field < fields; field++) {
            buf_printf(out, "%s\"field_%zu\":{\"type\":\"", field == 0 ? "" : ",", field);
            ADD_ONE_OF(out, chance, types);
            buf_printf(out, "\",\"minLength\":%zu}", below(chance, 1000));
        }
        add_string(out, "},\"required\":[\"field_0\"],\"additionalProperties\":false}}}");
    }
}

void body_write(enum body_kind kind, size_t size, uint64_t seed, struct buf *out)
{
    static void (*const texts[BODY_KINDS])(struct buf *, struct chance *) = {
        [BODY_prose] = add_prose, [BODY_code] = add_code, [BODY_scripts] = add_scripts};
    struct chance chance = {seed};
    add_string(out, "{\"model\":\"gpt-4o-mini\",\"temperature\":0.7,\"max_tokens\":1024,"
                    "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                    "\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful "
                    "assistant.\"}");
    if (kind == BODY_tools)
        add_tools(out, &chance, size);
    else if (kind == BODY_image)
        add_picture(out, &chance, size);
    else
        add_messages(out, &chance, size, texts[kind]);
    add_string(out, "]}");
}
