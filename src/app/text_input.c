/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Input in blocks. */
#include "text_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)256 << 10)

bool text_input_open(struct text_input *input, const char *path)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    *input = (struct text_input){.name = standard ? "standard input" : path};
    buf_init(&input->held, TEXT_INPUT_MAX + BLOCK, 0);
    input->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0)
        fprintf(stderr, "weir tokens: cannot read %s: %s\n", input->name, strerror(errno));
    return input->fd >= 0;
}

void text_input_close(struct text_input *input)
{
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    buf_fini(&input->held);
}

static ssize_t read_again(int fd, char *room, size_t size)
{
    ssize_t got;
    do
        got = read(fd, room, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* One block more, or input->ended. */
static bool fill(struct text_input *input)
{
    errno = ENOMEM;
    char *room = buf_reserve(&input->held, BLOCK);
    ssize_t got = room != NULL ? read_again(input->fd, room, BLOCK) : -1;
    if (got < 0) {
        fprintf(stderr, "weir tokens: cannot read %s: %s\n", input->name, strerror(errno));
        return false;
    }
    buf_commit(&input->held, (size_t)got);
    input->ended = got == 0;
    return true;
}

static void drop_taken(struct text_input *input)
{
    buf_consume(&input->held, input->taken);
    input->taken = 0;
}

bool text_input_whole(struct text_input *input, struct span *text)
{
    while (!input->ended && buf_len(&input->held) < TEXT_INPUT_MAX)
        if (!fill(input))
            return false;
    *text = buf_span(&input->held);
    return true;
}

bool text_input_part(struct text_input *input, struct span *part)
{
    drop_taken(input);
    if (buf_len(&input->held) == 0 && !input->ended && !fill(input))
        return false;
    *part = buf_span(&input->held);
    input->taken = part->len;
    return true;
}

/* Cuts the next line off what is held; false when its end is not there yet. `seen` bytes are known
 * to hold no line feed. */
static bool cut_line(struct text_input *input, size_t seen, struct span *line)
{
    struct span held = buf_span(&input->held);
    size_t len = seen + span_find(span_from(held, seen), '\n');
    bool fed = len < held.len;
    if (!fed && !(input->ended && held.len > 0))
        return false;
    *line = span_make(held.ptr, len);
    input->taken = len + fed;
    return true;
}

enum text_line text_input_line(struct text_input *input, struct span *line)
{
    drop_taken(input);
    input->line++;
    for (size_t seen = 0; !cut_line(input, seen, line);) {
        seen = buf_len(&input->held);
        if (input->ended)
            return TEXT_END;
        if (seen > TEXT_INPUT_MAX) {
            fprintf(stderr, "weir tokens: %s:%zu: a line of more than %zu MiB\n", input->name,
                    input->line, TEXT_INPUT_MAX >> 20);
            return TEXT_ERROR;
        }
        if (!fill(input))
            return TEXT_ERROR;
    }
    return TEXT_LINE;
}
