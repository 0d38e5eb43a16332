/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir sim: the simulated provider until SIGTERM or SIGINT. */
#include "app.h"
#include "options.h"

#include "base/buf.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "sim/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PRICES_MAX ((size_t)1024 * 1024)

struct sim_options {
    const char *listen;
    const char *prices; /* a file, or NULL */
    const char *replay; /* a folder, or NULL */
};

static int usage(void)
{
    fputs("usage: weir sim [--listen ADDRESS:PORT] [--prices FILE] [--replay DIR]\n"
          "  --listen, -l  where to serve; 127.0.0.1:8099 if not given\n"
          "  --prices, -p  JSON, in USD for a million tokens; \"*\" is every other model:\n"
          "                {\"MODEL\": {\"input\": \"2.50\", \"output\": \"10.00\"}}\n"
          "  --replay, -r  a folder of recorded exchanges, for models named replay:NAME\n",
          stderr);
    return 2;
}

static bool parse_options(int argc, char **argv, struct sim_options *out)
{
    *out = (struct sim_options){0};
    const struct option_spec specs[] = {{"--listen", "-l", &out->listen},
                                        {"--prices", "-p", &out->prices},
                                        {"--replay", "-r", &out->replay}};
    if (!options_read(argc, argv, 1, specs, 3))
        return false;
    if (out->listen == NULL)
        out->listen = "127.0.0.1:8099";
    return true;
}

/* False with errno set. */
static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    errno = EFBIG; /* unless the system says otherwise */
    for (;;) {
        char chunk[4096];
        size_t size = fread(chunk, 1, sizeof(chunk), file);
        if (size == 0 || !buf_append(out, span_make(chunk, size)))
            break;
    }
    bool good = !ferror(file) && !buf_failed(out);
    fclose(file);
    if (good && buf_len(out) == 0)
        errno = ENODATA; /* an empty list would mean the default prices */
    return good && buf_len(out) > 0;
}

/* A stream is a descriptor, and benchmarks open thousands. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void on_signal(void *argument, int signum)
{
    (void)signum;
    loop_stop(argument);
}

static void announce(const struct sim_options *options, const struct sim *sim)
{
    int host = (int)(strrchr(options->listen, ':') - options->listen);
    printf("simulated provider on http://%.*s:%u/v1\n", host, options->listen,
           (unsigned)sim_port(sim));
    fflush(stdout);
}

/* A folder that is not there is found out at once, not at each request. */
static bool is_folder(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(about.st_mode);
}

static int serve(struct loop *loop, const struct sim_options *options, struct span prices)
{
    const char *error = NULL;
    struct sim_settings settings = {
        .address = options->listen, .prices = prices, .records = options->replay};
    struct sim *sim = sim_start(loop, &settings, &error);
    if (sim == NULL) {
        fprintf(stderr, "weir sim: %s\n", error);
        return 1;
    }
    struct signal_watch *term = signal_watch_new(loop, SIGTERM, on_signal, loop);
    struct signal_watch *interrupt = signal_watch_new(loop, SIGINT, on_signal, loop);
    announce(options, sim);
    loop_run(loop);
    signal_watch_free(&interrupt);
    signal_watch_free(&term);
    sim_stop(&sim);
    return 0;
}

int cmd_sim(int argc, char **argv)
{
    struct sim_options options;
    struct buf prices;
    if (!parse_options(argc, argv, &options))
        return usage();
    buf_init(&prices, PRICES_MAX, 0);
    if (options.prices != NULL && !read_file(options.prices, &prices)) {
        fprintf(stderr, "weir sim: cannot read %s: %s\n", options.prices, strerror(errno));
        buf_fini(&prices);
        return 1;
    }
    if (options.replay != NULL && !is_folder(options.replay)) {
        fprintf(stderr, "weir sim: cannot read %s: %s\n", options.replay, strerror(errno));
        buf_fini(&prices);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* a client that left is an error of the write */
    raise_file_limit();
    struct loop *loop = loop_new();
    int status = 1;
    if (loop == NULL) {
        fprintf(stderr, "weir sim: out of descriptors\n");
    } else {
        status = serve(loop, &options, buf_span(&prices));
    }
    loop_free(&loop);
    buf_fini(&prices);
    return status;
}
