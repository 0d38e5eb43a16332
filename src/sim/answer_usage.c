/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer reports of its tokens: the truth, or what the model's name asked for instead. */
#include "answer.h"

#define HUGE_TOKENS INT64_C(999999999999)

static void write_figure(const struct answer *answer, int64_t value, struct buf *out)
{
    if (answer->report == REPORT_HUGE)
        value = HUGE_TOKENS;
    if (answer->report == REPORT_NEGATIVE)
        buf_append_byte(out, '-');
    if (answer->report == REPORT_STRING)
        buf_append_byte(out, '"');
    buf_append_u64(out, (uint64_t)value);
    if (answer->report == REPORT_STRING)
        buf_append_byte(out, '"');
}

/* A half is what a provider reports that has not finished counting. */
static void write_figures(const struct answer *answer, int64_t divisor, struct buf *out)
{
    int64_t prompt = answer->prompt / divisor;
    int64_t completion = answer_tokens(answer) / divisor;
    buf_append(out, SPAN(",\"usage\":{\"prompt_tokens\":"));
    write_figure(answer, prompt, out);
    if (answer->kind == REQUEST_EMBEDDING) {
        buf_append(out, SPAN(",\"total_tokens\":"));
        write_figure(answer, prompt, out);
        buf_append_byte(out, '}');
        return;
    }
    buf_append(out, SPAN(",\"completion_tokens\":"));
    write_figure(answer, completion, out);
    buf_append(out, SPAN(",\"total_tokens\":"));
    write_figure(answer, prompt + completion, out);
    buf_append(out, SPAN(",\"prompt_tokens_details\":{\"cached_tokens\":"));
    buf_append_u64(out, (uint64_t)(answer->cached / divisor));
    buf_append(out, SPAN(",\"cache_write_tokens\":"));
    buf_append_u64(out, (uint64_t)(answer->written / divisor));
    buf_append(out, SPAN(",\"audio_tokens\":0},\"completion_tokens_details\":{"
                         "\"reasoning_tokens\":"));
    buf_append_u64(out, (uint64_t)(answer->choices * answer->reasoning / divisor));
    buf_append(out, SPAN(",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                         "\"rejected_prediction_tokens\":0}}"));
}

void answer_write_usage(const struct answer *answer, struct buf *out)
{
    write_figures(answer, 1, out);
}

void answer_write_early_usage(const struct answer *answer, struct buf *out)
{
    write_figures(answer, 2, out);
}
