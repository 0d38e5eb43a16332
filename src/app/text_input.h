/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command reads: a file or standard input, in large blocks, whole up to a size or line by
 * line. Blocking; errors are said on stderr with the command's name before them.
 */
#ifndef APP_TEXT_INPUT_H
#define APP_TEXT_INPUT_H

#include "base/buf.h"

/* The most that is held at once: a text read whole, or a line. */
#define TEXT_INPUT_MAX ((size_t)64 << 20)

struct text_input {
    const char *name; /* for messages */
    int fd;
    struct buf held; /* read, and not yet taken */
    size_t taken;    /* what the next read drops of it: the last line, or part */
    size_t line;     /* the number of the last line */
    bool ended;
};

/* NULL or "-": standard input. False after a line on stderr. */
bool text_input_open(struct text_input *input, const char *path);
void text_input_close(struct text_input *input);

/* All of it, or its first TEXT_INPUT_MAX bytes: input->ended tells. False after a line on stderr. */
bool text_input_whole(struct text_input *input, struct span *text);
/* The next part of it, empty at the end. Valid until the next call. */
bool text_input_part(struct text_input *input, struct span *part);

enum text_line { TEXT_LINE, TEXT_END, TEXT_ERROR };
/* The next line without its line feed, valid until the next call. TEXT_ERROR after a line on
 * stderr: it cannot be read, or a line is over TEXT_INPUT_MAX. */
enum text_line text_input_line(struct text_input *input, struct span *line);

#endif
