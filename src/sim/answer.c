/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes answers out of pieces that are copied: the benchmarks send millions of them, so there is
 * no formatting in a token's path.
 */
#include "answer.h"

#include "base/assert.h"

#define HEAD_BYTES ((size_t)4096) /* a model's name of 256 bytes, all escaped, fits */
#define TOOL_BYTES ((size_t)1024)

#define WORD     "word "
#define WORDS_8  WORD WORD WORD WORD WORD WORD WORD WORD
#define WORDS_64 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8 WORDS_8

/* {"city":"Paris"}, escaped for a JSON string. */
static const struct span arguments[ANSWER_TOOL_TOKENS] = {
    {"{\\\"", 3}, {"city", 4}, {"\\\":\\\"", 5}, {"Paris", 5}, {"\\\"}", 3},
};

static const struct span line_ends[] = {
    [LINE_END_LF] = SPAN_INIT("\n"),
    [LINE_END_CRLF] = SPAN_INIT("\r\n"),
    [LINE_END_CR] = SPAN_INIT("\r"),
};

/* What an answer calls itself, and how its id begins. */
static const struct {
    struct span id;
    struct span whole;
    struct span event;
} names[] = {
    [REQUEST_CHAT] = {SPAN_INIT("chatcmpl-"), SPAN_INIT("chat.completion"),
                      SPAN_INIT("chat.completion.chunk")},
    [REQUEST_COMPLETION] = {SPAN_INIT("cmpl-"), SPAN_INIT("text_completion"),
                            SPAN_INIT("text_completion")},
};

static void write_head(struct answer *answer, const struct request *request, int64_t created_s)
{
    struct buf *head = &answer->head;
    if (answer->kind == REQUEST_EMBEDDING) {
        buf_append(head, SPAN("{\"object\":\"list\",\"model\":"));
        buf_append_json_string(head, request->model);
        buf_append(head, SPAN(",\"data\":["));
        return;
    }
    buf_append(head, SPAN("{\"id\":\""));
    buf_append(head, names[answer->kind].id);
    ids_write(answer->ids, head, 29);
    buf_append(head, SPAN("\",\"object\":\""));
    buf_append(head, answer->stream ? names[answer->kind].event : names[answer->kind].whole);
    buf_append(head, SPAN("\",\"created\":"));
    buf_append_u64(head, (uint64_t)created_s);
    buf_append(head, SPAN(",\"model\":"));
    buf_append_json_string(head, request->model);
    if (answer->kind == REQUEST_CHAT)
        buf_append(head, SPAN(",\"service_tier\":\"default\","
                              "\"system_fingerprint\":\"fp_5e1f0dd51a\""));
    buf_append(head, SPAN(",\"choices\":["));
}

void answer_init(struct answer *answer, struct ids *ids, const struct request *request,
                 int64_t created_s)
{
    *answer = (struct answer){
        .ids = ids,
        .kind = request->kind,
        .choices = request->choices,
        .discarded = request->discarded,
        .tokens = request->tokens,
        .reasoning = request->reasoning,
        .prompt = request->prompt,
        .cached = request->cached,
        .written = request->written,
        .report = (enum report)request->behaviour.report,
        .line_end = line_ends[request->behaviour.line_end],
        .cut_short = request->cut_short,
        .stream = request->stream,
        .shows_usage =
            request->behaviour.report != REPORT_OFF && (request->include_usage || !request->stream),
        .endless = request->behaviour.endless != 0,
    };
    buf_init(&answer->head, HEAD_BYTES, 0);
    write_head(answer, request, created_s);
    buf_init(&answer->tool, TOOL_BYTES, 0);
    if (request->tool.len > 0)
        buf_append_json_string(&answer->tool, request->tool);
    ASSERT(!buf_failed(&answer->head) && !buf_failed(&answer->tool));
    if (answer->kind == REQUEST_EMBEDDING)
        embeddings_init(&answer->embeddings, request);
}

void answer_fini(struct answer *answer)
{
    buf_fini(&answer->head);
    buf_fini(&answer->tool);
    embeddings_fini(&answer->embeddings);
}

static bool is_tool_call(const struct answer *answer)
{
    return buf_len(&answer->tool) > 0;
}

static struct span finish_reason(const struct answer *answer)
{
    if (answer->cut_short)
        return SPAN("\"length\"");
    return is_tool_call(answer) ? SPAN("\"tool_calls\"") : SPAN("\"stop\"");
}

int64_t answer_tokens(const struct answer *answer)
{
    return (answer->choices + answer->discarded) * (answer->tokens + answer->reasoning);
}

/* ---- pieces ---- */

/* White space may follow the arguments: what a call over its limit is made of. */
static void write_argument(struct buf *out, int64_t token)
{
    buf_append(out, token < ANSWER_TOOL_TOKENS ? arguments[token] : SPAN(" "));
}

static void write_words(struct buf *out, int64_t count)
{
    for (; count >= 64; count -= 64)
        buf_append(out, SPAN(WORDS_64));
    buf_append(out, span_make(WORDS_64, (size_t)count * (sizeof(WORD) - 1)));
}

/* {"id":…,"type":"function","function":{"name":…,"arguments":" and then the arguments. */
static void write_call_start(const struct answer *answer, struct buf *out)
{
    buf_append(out, SPAN("\"id\":\"call_"));
    ids_write(answer->ids, out, 24);
    buf_append(out, SPAN("\",\"type\":\"function\",\"function\":{\"name\":"));
    buf_append(out, buf_span(&answer->tool));
    buf_append(out, SPAN(",\"arguments\":\""));
}

/* ---- whole ---- */

static void write_message(const struct answer *answer, struct buf *out)
{
    if (!is_tool_call(answer)) {
        buf_append(out, SPAN("{\"role\":\"assistant\",\"content\":\""));
        write_words(out, answer->tokens);
        buf_append(out, SPAN("\",\"refusal\":null,\"annotations\":[]}"));
        return;
    }
    buf_append(out, SPAN("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{"));
    write_call_start(answer, out);
    for (int64_t token = 0; token < answer->tokens; token++)
        write_argument(out, token);
    buf_append(out, SPAN("\"}}],\"refusal\":null,\"annotations\":[]}"));
}

static void write_text(const struct answer *answer, struct buf *out)
{
    buf_append(out, SPAN(",\"text\":\""));
    write_words(out, answer->tokens);
    buf_append_byte(out, '"');
}

static void write_whole_choice(const struct answer *answer, struct buf *out)
{
    if (answer->kind == REQUEST_COMPLETION) {
        write_text(answer, out);
        return;
    }
    buf_append(out, SPAN(",\"message\":"));
    write_message(answer, out);
}

static void write_choices(const struct answer *answer, struct buf *out)
{
    for (int64_t choice = 0; choice < answer->choices; choice++) {
        buf_append(out, choice > 0 ? SPAN(",{\"index\":") : SPAN("{\"index\":"));
        buf_append_u64(out, (uint64_t)choice);
        write_whole_choice(answer, out);
        buf_append(out, SPAN(",\"logprobs\":null,\"finish_reason\":"));
        buf_append(out, finish_reason(answer));
        buf_append_byte(out, '}');
    }
}

void answer_write_whole(const struct answer *answer, struct buf *out)
{
    buf_append(out, buf_span(&answer->head));
    if (answer->kind == REQUEST_EMBEDDING)
        embeddings_write(&answer->embeddings, out);
    else
        write_choices(answer, out);
    buf_append_byte(out, ']');
    if (answer->shows_usage && answer->report == REPORT_TWICE)
        answer_write_early_usage(answer, out);
    if (answer->shows_usage)
        answer_write_usage(answer, out);
    buf_append_byte(out, '}');
}

/* ---- events ---- */

static int64_t usage_events(const struct answer *answer)
{
    if (!answer->shows_usage)
        return 0;
    return answer->report == REPORT_TWICE ? 2 : 1;
}

/* Events of a choice before its tokens. */
static int64_t role_events(const struct answer *answer)
{
    return answer->kind == REQUEST_CHAT ? 1 : 0;
}

/* The events of the choices; what tells of the whole comes after them. */
static int64_t choice_events(const struct answer *answer)
{
    return answer->choices * (role_events(answer) + answer->tokens + 1);
}

int64_t answer_events(const struct answer *answer)
{
    return choice_events(answer) + usage_events(answer) + (answer->endless ? 0 : 1);
}

int64_t answer_tokens_in(const struct answer *answer, int64_t events)
{
    int64_t text = answer->choices * answer->tokens;
    int64_t tokens = events - answer->choices * role_events(answer);
    if (tokens < 0)
        tokens = 0;
    return answer->choices * answer->reasoning + (tokens < text ? tokens : text);
}

static void write_role(const struct answer *answer, struct buf *out)
{
    if (!is_tool_call(answer)) {
        buf_append(out, SPAN("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"));
        return;
    }
    buf_append(out, SPAN("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,"));
    write_call_start(answer, out);
    buf_append(out, SPAN("\"}}],\"refusal\":null}"));
}

static void write_token(const struct answer *answer, int64_t token, struct buf *out)
{
    if (!is_tool_call(answer)) {
        buf_append(out, SPAN("{\"content\":\"" WORD "\"}"));
        return;
    }
    buf_append(out, SPAN("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\""));
    write_argument(out, token);
    buf_append(out, SPAN("\"}}]}"));
}

/* `step` 0 is its role, then its tokens, then its end. */
static void write_delta(const struct answer *answer, int64_t step, bool finish, struct buf *out)
{
    buf_append(out, SPAN(",\"delta\":"));
    if (step == 0) {
        write_role(answer, out);
    } else if (finish) {
        buf_append(out, SPAN("{}"));
    } else {
        write_token(answer, step - 1, out);
    }
}

/* The event of one choice: without a role, `step` 0 is its first token. */
static void write_choice(const struct answer *answer, int64_t choice, int64_t step, struct buf *out)
{
    bool finish = step == role_events(answer) + answer->tokens;
    buf_append(out, SPAN("{\"index\":"));
    buf_append_u64(out, (uint64_t)choice);
    if (answer->kind == REQUEST_COMPLETION)
        buf_append(out, finish ? SPAN(",\"text\":\"\"") : SPAN(",\"text\":\"" WORD "\""));
    else
        write_delta(answer, step, finish, out);
    buf_append(out, SPAN(",\"logprobs\":null,\"finish_reason\":"));
    buf_append(out, finish ? finish_reason(answer) : SPAN("null"));
    buf_append_byte(out, '}');
}

static void begin_event(const struct answer *answer, struct buf *out)
{
    buf_append(out, SPAN("data: "));
    buf_append(out, buf_span(&answer->head));
}

static void end_event(const struct answer *answer, struct buf *out)
{
    buf_append(out, answer->line_end);
    buf_append(out, answer->line_end);
}

/* The place of [DONE] among the events after the choices. */
static bool is_done_event(const struct answer *answer, int64_t place)
{
    return !answer->endless && place == (answer->report == REPORT_LATE ? 0 : usage_events(answer));
}

/* `place` counts from the end of the choices. */
static void write_last_words(const struct answer *answer, int64_t place, struct buf *out)
{
    if (is_done_event(answer, place)) {
        buf_append(out, SPAN("data: [DONE]"));
    } else {
        begin_event(answer, out);
        buf_append_byte(out, ']');
        if (place + 1 < usage_events(answer)) {
            answer_write_early_usage(answer, out);
        } else {
            answer_write_usage(answer, out);
        }
        buf_append_byte(out, '}');
    }
    end_event(answer, out);
}

/* What every event repeats is in `head`; the rest follows from its place in answer.h's order. */
void answer_write_event(const struct answer *answer, int64_t index, struct buf *out)
{
    int64_t choices_end = choice_events(answer);
    if (index >= choices_end) {
        write_last_words(answer, index - choices_end, out);
        return;
    }
    begin_event(answer, out);
    write_choice(answer, index % answer->choices, index / answer->choices, out);
    buf_append(out, answer->shows_usage ? SPAN("],\"usage\":null}") : SPAN("]}"));
    end_event(answer, out);
}

/* ---- events that are not its own ---- */

void answer_write_error_event(const struct answer *answer, struct span error, struct buf *out)
{
    buf_append(out, SPAN("data: "));
    buf_append(out, error);
    end_event(answer, out);
}

void answer_write_giant_start(const struct answer *answer, struct buf *out)
{
    begin_event(answer, out);
    buf_append(out, answer->kind == REQUEST_COMPLETION
                        ? SPAN("{\"index\":0,\"text\":\"")
                        : SPAN("{\"index\":0,\"delta\":{\"content\":\""));
}

void answer_write_giant_end(const struct answer *answer, struct buf *out)
{
    buf_append(out, answer->kind == REQUEST_COMPLETION ? SPAN("\"") : SPAN("\"}"));
    buf_append(out, SPAN(",\"logprobs\":null,\"finish_reason\":null}]}"));
    end_event(answer, out);
}
