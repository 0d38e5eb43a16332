/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Files are read when they are asked for: this is a simulation, and they are small. */
#include "replay.h"

#include "base/memory.h"
#include "loop/loop.h"
#include "net/server.h"
#include "reply.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX  ((size_t)32 * 1024 * 1024)
#define PATH_MOST 4096
#define PIECE_MAX 48 /* bytes */
#define TYPE_MOST 128

struct replay {
    struct conn *conn;
    struct deferred turn;
    struct loop *loop;
    struct ids random;
    struct buf body;
    int64_t seed;
    size_t at;
    int status;
    char media_type[TYPE_MOST];
};

/* ---- files ---- */

static bool read_file(const char *folder, const char *name, const char *suffix, struct buf *out)
{
    char path[PATH_MOST];
    bool good = true;
    snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (good) {
        char chunk[4096];
        size_t size = fread(chunk, 1, sizeof(chunk), file);
        if (size == 0)
            break;
        good = buf_append(out, span_make(chunk, size));
    }
    good = good && ferror(file) == 0;
    fclose(file);
    return good;
}

static void set_type(struct replay *replay, struct span type)
{
    snprintf(replay->media_type, sizeof(replay->media_type), "%.*s", SPAN_ARG(type));
}

/* [["content-type", "…"], …] */
static void read_type(struct replay *replay, const struct json *fields)
{
    for (const struct json *field = json_first(fields); field != NULL; field = json_next(field)) {
        const struct json *name = json_first(field);
        if (span_equal_nocase(json_string(name), SPAN("content-type")))
            set_type(replay, json_string(json_next(name)));
    }
}

static void read_meta(struct replay *replay, const char *folder, const char *name)
{
    struct buf text;
    int64_t status;
    buf_init(&text, FILE_MAX, 0);
    if (read_file(folder, name, ".meta.json", &text)) {
        struct json *root = json_parse(buf_span(&text));
        if (json_integer(json_get(root, "status"), &status) && status >= 200 && status <= 599)
            replay->status = (int)status;
        read_type(replay, json_get(root, "response_headers"));
        json_free(&root);
    }
    buf_fini(&text);
}

static bool load(struct replay *replay, const char *folder, const char *name)
{
    set_type(replay, SPAN("text/event-stream"));
    if (!read_file(folder, name, ".response.sse", &replay->body)) {
        set_type(replay, SPAN("application/json"));
        buf_reset(&replay->body, FILE_MAX);
        if (!read_file(folder, name, ".response.json", &replay->body))
            return false;
    }
    replay->status = 200;
    read_meta(replay, folder, name);
    return true;
}

/* ---- pieces ---- */

/* Many single bytes among longer runs: cuts fall inside names, characters and line ends. */
static size_t next_piece(struct replay *replay)
{
    if (replay->seed == SEED_WHOLE)
        return SIZE_MAX;
    if (replay->seed == SEED_BYTEWISE)
        return 1;
    uint64_t number = ids_number(&replay->random);
    return number % 4 == 0 ? 1 : 1 + (size_t)(number >> 8) % PIECE_MAX;
}

static void on_turn(struct deferred *work)
{
    struct replay *replay = LIST_ITEM(work, struct replay, turn);
    struct span rest = span_from(buf_span(&replay->body), replay->at);
    size_t size = next_piece(replay);
    if (rest.len == 0) {
        conn_end(replay->conn);
        return;
    }
    if (size > rest.len)
        size = rest.len;
    replay->at += size;
    conn_send(replay->conn, span_make(rest.ptr, size));
    if (!conn_congested(replay->conn))
        loop_defer(replay->loop, work);
}

void replay_drain(struct replay *replay)
{
    loop_defer(replay->loop, &replay->turn);
}

/* ---- life ---- */

static void begin(struct replay *replay, struct ids *ids)
{
    const struct reply_fields fields = {.media_type = span_from_string(replay->media_type)};
    bool is_stream = span_starts_with(fields.media_type, SPAN("text/event-stream"));
    if (replay->seed == SEED_WHOLE && !is_stream) {
        reply_whole(replay->conn, ids, replay->status, &fields, &replay->body);
        return;
    }
    reply_begin(replay->conn, ids, replay->status, fields.media_type);
    loop_defer(replay->loop, &replay->turn);
}

struct replay *replay_start(struct sim *sim, struct conn *conn, const struct behaviour *behaviour)
{
    struct replay *replay = MEMORY_NEW(struct replay);
    replay->conn = conn;
    replay->loop = sim->loop;
    replay->seed = behaviour->seed;
    ids_init(&replay->random, (uint64_t)behaviour->seed);
    buf_init(&replay->body, FILE_MAX, 0);
    deferred_init(&replay->turn, on_turn);
    if (sim->records == NULL || !load(replay, sim->records, behaviour->record)) {
        replay_free(&replay);
        return NULL;
    }
    begin(replay, &sim->ids);
    return replay;
}

void replay_free(struct replay **address)
{
    struct replay *replay = *address;
    *address = NULL;
    if (replay == NULL)
        return;
    deferred_cancel(&replay->turn);
    buf_fini(&replay->body);
    free(replay);
}
