/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir prices: price lists of others to our price file, and what differs between two. */
#include "app.h"
#include "options.h"

#include "base/buf.h"
#include "llm/price_import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int usage(void)
{
    fputs("usage: weir prices import FILE [-o FILE]   a price list to Weir's price file\n"
          "       weir prices diff FILE [--against FILE]   what differs from the prices shipped\n"
          "FILE is a price list of genai-prices, LiteLLM, models.dev or Weir; '-' is standard "
          "input.\n",
          stderr);
    return 2;
}

static bool read_all(FILE *file, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, 65536);
        size_t got = room != NULL ? fread(room, 1, 65536, file) : 0;
        if (room == NULL)
            errno = EFBIG;
        if (got == 0)
            return room != NULL && !ferror(file);
        buf_commit(out, got);
    }
}

static bool read_file(const char *path, struct buf *out)
{
    if (strcmp(path, "-") == 0)
        return read_all(stdin, out);
    FILE *file = fopen(path, "re");
    bool read = file != NULL && read_all(file, out);
    int error = errno;
    if (file != NULL)
        fclose(file);
    errno = error;
    return read;
}

static void print_note(void *context, struct span key, const char *what)
{
    (void)context;
    fprintf(stderr, "%.*s: %s\n", SPAN_ARG(key), what);
}

/* NULL after a line on standard error. */
static struct catalogue *parse(struct span text, const char *path)
{
    const struct import_notes notes = {print_note, NULL};
    struct catalogue_fault fault;
    struct catalogue *catalogue = price_import(text, &notes, &fault);
    if (catalogue == NULL)
        fprintf(stderr, "weir prices: %s:%zu:%zu: %s\n", path, fault.line, fault.column,
                fault.what);
    return catalogue;
}

static struct catalogue *load(const char *path)
{
    struct buf text;
    struct catalogue *catalogue = NULL;
    buf_init(&text, CATALOGUE_TEXT_MAX + 65536, 0);
    if (read_file(path, &text))
        catalogue = parse(buf_span(&text), path);
    else
        fprintf(stderr, "weir prices: cannot read %s: %s\n", path, strerror(errno));
    buf_fini(&text);
    return catalogue;
}

static bool write_file(const char *path, struct span text)
{
    FILE *file = path != NULL ? fopen(path, "we") : stdout;
    bool written = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
    if (file != NULL && path != NULL)
        written = fclose(file) == 0 && written;
    else
        written = written && fflush(stdout) == 0;
    if (!written)
        fprintf(stderr, "weir prices: cannot write %s: %s\n",
                path != NULL ? path : "standard output", strerror(errno));
    return written;
}

static int import(const char *from, const char *into)
{
    struct buf text;
    struct catalogue *catalogue = load(from);
    if (catalogue == NULL)
        return 1;
    buf_init(&text, 4 * CATALOGUE_TEXT_MAX, 0);
    bool written = catalogue_write(catalogue, &text) && write_file(into, buf_span(&text));
    buf_fini(&text);
    catalogue_free(&catalogue);
    return written ? 0 : 1;
}

/* 0 when they are equal, as diff(1). */
static int diff(const char *path, const char *against)
{
    struct buf text;
    struct catalogue *old =
        against != NULL ? load(against) : parse(catalogue_shipped(), "the shipped prices");
    struct catalogue *new = old != NULL ? load(path) : NULL;
    buf_init(&text, 4 * CATALOGUE_TEXT_MAX, 0);
    bool same = new != NULL &&catalogue_diff(old, new, &text);
    bool written = new != NULL &&write_file(NULL, buf_span(&text));
    buf_fini(&text);
    catalogue_free(&old);
    catalogue_free(&new);
    return same && written ? 0 : 1;
}

int cmd_prices(int argc, char **argv)
{
    const char *value = NULL;
    if (argc < 3 || (argv[2][0] == '-' && argv[2][1] != '\0'))
        return usage();
    bool is_import = strcmp(argv[1], "import") == 0;
    const struct option_spec specs[] = {is_import
                                            ? (struct option_spec){"--output", "-o", &value}
                                            : (struct option_spec){"--against", NULL, &value}};
    if (!is_import && strcmp(argv[1], "diff") != 0)
        return usage();
    if (!options_read(argc, argv, 3, specs, 1))
        return 2;
    return is_import ? import(argv[2], value) : diff(argv[2], value);
}
