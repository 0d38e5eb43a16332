/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir tokens: how many tokens a text or a request body is, or which.
 *
 * A text is held whole up to TEXT_INPUT_MAX, and counted in parts beyond that: any size in that much
 * memory. Ids, a body, and each of --lines must fit in it. Results go out in blocks; what was
 * counted before an error is printed before it.
 */
#include "app.h"
#include "json_line.h"
#include "text_input.h"
#include "tokens_chat.h"
#include "tokens_options.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define OUTPUT_BLOCK ((size_t)64 << 10)
#define SCRATCH_MAX  (4 * TEXT_INPUT_MAX)

struct tokens_run {
    struct tokens_options options;
    struct chosen_tokenizer chosen;
    struct token_cache *cache;
    struct chat_counter chat;
    struct text_input input;
    struct buf decoded; /* a line's string */
    uint32_t *ids;
    size_t ids_room;
    char output[OUTPUT_BLOCK];
    size_t output_len;
};

/* ---- results ---- */

static void flush_output(struct tokens_run *run)
{
    fwrite(run->output, 1, run->output_len, stdout);
    run->output_len = 0;
}

static void put_byte(struct tokens_run *run, char byte)
{
    if (run->output_len == OUTPUT_BLOCK)
        flush_output(run);
    run->output[run->output_len++] = byte;
}

static void put_number(struct tokens_run *run, uint64_t number)
{
    char digits[SPAN_U64_SIZE];
    struct span text = span_from_u64(number, digits);
    if (run->output_len + text.len > OUTPUT_BLOCK)
        flush_output(run);
    memcpy(run->output + run->output_len, text.ptr, text.len);
    run->output_len += text.len;
}

static void put_count(struct tokens_run *run, int64_t count)
{
    put_number(run, (uint64_t)count);
    put_byte(run, '\n');
}

/* All ids on a line; an empty line for none. */
static void put_ids(struct tokens_run *run, struct span text)
{
    const struct tokenizer *tokenizer = run->chosen.tokenizer;
    size_t count = tokens_encode(tokenizer, text, run->ids, run->ids_room);
    if (count > run->ids_room) {
        run->ids_room = count + count / 2;
        run->ids = memory_resize(run->ids, run->ids_room, sizeof(uint32_t));
        tokens_encode(tokenizer, text, run->ids, run->ids_room);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put_byte(run, ' ');
        put_number(run, run->ids[i]);
    }
    put_byte(run, '\n');
}

static void put_text(struct tokens_run *run, struct span text)
{
    if (run->options.ids)
        put_ids(run, text);
    else
        put_count(run, tokens_count(run->chosen.tokenizer, run->cache, text));
}

/* ---- errors ---- */

/* Columns are characters, from 1. */
static int say_fault(struct tokens_run *run, struct span text, size_t line, const char *what,
                     size_t offset)
{
    size_t column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    flush_output(run);
    fflush(stdout);
    fprintf(stderr, "weir tokens: %s:%zu:%zu: %s\n", run->input.name, line, column, what);
    return 1;
}

/* ---- what there is to count ---- */

/* A text that is not held whole. */
static int count_parts(struct tokens_run *run)
{
    struct token_stream stream;
    struct span part;
    bool read;
    token_stream_init(&stream, run->chosen.tokenizer);
    while ((read = text_input_part(&run->input, &part)) && part.len > 0)
        token_stream_feed(&stream, run->cache, part);
    if (read)
        put_count(run, token_stream_total(&stream, run->cache));
    token_stream_fini(&stream);
    return read ? 0 : 1;
}

static int count_body(struct tokens_run *run, struct span body, size_t line)
{
    int64_t tokens;
    struct chat_fault fault;
    if (!chat_counter_count(&run->chat, body, &tokens, &fault))
        return say_fault(run, body, line, fault.what, fault.offset);
    put_count(run, tokens);
    return 0;
}

static int count_whole(struct tokens_run *run)
{
    struct span text;
    if (!text_input_whole(&run->input, &text))
        return 1;
    if (!run->input.ended && !run->options.chat && !run->options.ids)
        return count_parts(run);
    if (!run->input.ended) {
        fprintf(stderr, "weir tokens: %s: more than %zu MiB\n", run->input.name,
                TEXT_INPUT_MAX >> 20);
        return 1;
    }
    if (run->options.chat)
        return count_body(run, text, 1);
    put_text(run, text);
    return 0;
}

static int count_line(struct tokens_run *run, struct span line)
{
    struct span text;
    size_t offset;
    if (run->options.chat)
        return count_body(run, line, run->input.line);
    buf_reset(&run->decoded, TEXT_INPUT_MAX);
    char *room = buf_reserve(&run->decoded, line.len + 1);
    const char *wrong = "out of memory";
    if (room != NULL)
        wrong = json_line_decode(line, room, &text, &offset);
    if (wrong != NULL)
        return say_fault(run, line, run->input.line, wrong, room != NULL ? offset : 0);
    put_text(run, text);
    return 0;
}

static int count_lines(struct tokens_run *run)
{
    struct span line;
    enum text_line got;
    while ((got = text_input_line(&run->input, &line)) == TEXT_LINE)
        if (count_line(run, line) != 0)
            return 1;
    return got == TEXT_END ? 0 : 1;
}

/* ---- the command ---- */

/* With --chat and no tokenizer named, each body's model names one. */
static int choose_tokenizer(struct tokens_run *run)
{
    const struct tokens_options *options = &run->options;
    if (options->chat && options->encoding == NULL && options->ranks == NULL)
        return 0;
    int code = tokens_options_tokenizer(options, &run->chosen);
    run->chat.tokenizer = run->chosen.tokenizer;
    /* Who brings a model's ranks brings its own; an encoding may be any. */
    run->chat.tokenizer_is_exact = options->ranks != NULL;
    return code;
}

static const char *const quality_notes[] = {
    [COUNT_NEAR] = "near: parts of the request are known to be missed by a few tokens",
    [COUNT_ESTIMATE] = "an estimate: the model's tokenizer or chat format is not known",
};

static int finish(struct tokens_run *run, int code)
{
    flush_output(run);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "weir tokens: cannot write: %s\n", strerror(errno));
        return 1;
    }
    if (code == 0 && run->options.chat && run->chat.worst != COUNT_EXACT)
        fprintf(stderr, "weir tokens: %s%s\n", run->options.lines ? "at least one line is " : "",
                quality_notes[run->chat.worst]);
    return code;
}

int cmd_tokens(int argc, char **argv)
{
    struct tokens_run *run = MEMORY_NEW(struct tokens_run);
    int code = 2;
    if (tokens_options_read(argc, argv, &run->options))
        code = choose_tokenizer(run);
    if (code == 0 && !text_input_open(&run->input, run->options.file))
        code = 1;
    if (code == 0) {
        run->cache = token_cache_new(0);
        run->chat.cache = run->cache;
        run->chat.model = run->options.model;
        arena_init(&run->chat.scratch, SCRATCH_MAX);
        buf_init(&run->decoded, 2 * TEXT_INPUT_MAX, 0);
        code = finish(run, run->options.lines ? count_lines(run) : count_whole(run));
        buf_fini(&run->decoded);
        arena_fini(&run->chat.scratch);
        token_cache_free(&run->cache);
        text_input_close(&run->input);
    }
    tokenizer_unref(&run->chosen.owned);
    free(run->ids);
    free(run);
    return code;
}
