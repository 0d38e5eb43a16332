/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_streams --provider-port N [--target-port N] [--key K] [--streams N] [--rate N]
 *               [--warm-ms N] [--measure-ms N] [--stuck]
 *
 * Opens the streams, runs, and prints one line of NAME=VALUE. With --stuck it prints its line when
 * nobody takes anything any more, and holds all connections until its standard input ends. Polls
 * without sleeping while it measures: it wants a core of its own.
 */
#include "streams.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    1000000000LL
#define DEADLINE_NS (25 * NS_PER_S)
#define QUIET_NS    (NS_PER_S / 2)

struct run {
    struct options options;
    int epoll;
    struct provider *provider;
    struct clients *clients;
    int64_t deadline_ns;
};

void fail(const char *what)
{
    fprintf(stderr, "bench_streams: %s%s%s\n", what, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    exit(1);
}

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void watch(int epoll, struct peer *peer, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event) != 0 &&
        epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
        fail("epoll_ctl");
}

static int rising(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void sort_ns(int64_t *values, size_t count)
{
    qsort(values, count, sizeof(int64_t), rising);
}

int64_t percentile(const int64_t *sorted, size_t count, double part)
{
    return count == 0 ? 0 : sorted[(size_t)((double)(count - 1) * part)];
}

/* One turn. At the deadline it is over. */
static void turn(struct run *run, int timeout_ms)
{
    struct epoll_event events[64];
    int count = epoll_wait(run->epoll, events, 64, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (peer->kind == PEER_LISTENER)
            provider_accept(run->provider);
        else if (peer->kind == PEER_PROVIDER)
            provider_event(run->provider, peer, events[i].events);
        else
            clients_event(run->clients, peer);
    }
    if (now_ns() > run->deadline_ns) {
        fprintf(stderr, "bench_streams: %d of %d streams opened, %lld of %lld events read\n",
                provider_opened(run->provider), run->options.streams,
                (long long)clients_received(run->clients), (long long)provider_sent(run->provider));
        errno = 0;
        fail("not done in time");
    }
}

static void open_all(struct run *run)
{
    while (provider_opened(run->provider) < run->options.streams) {
        clients_open(run->clients, provider_opened(run->provider));
        turn(run, 1);
    }
}

static void run_paced(struct run *run)
{
    provider_start(run->provider);
    int64_t warm_ns = run->options.warm_ms * (NS_PER_S / 1000), begun = now_ns();
    clients_measure_from(run->clients, begun + warm_ns);
    while (!provider_pace(run->provider))
        turn(run, 0);
    while (clients_received(run->clients) < provider_sent(run->provider))
        turn(run, 0);
    double seconds = (double)(now_ns() - begun) / (double)NS_PER_S;
    clients_finish(run->clients);
    provider_finish(run->provider);
    while (clients_ended(run->clients) < run->options.streams)
        turn(run, 10);
    size_t count;
    const int64_t *delays = clients_delays(run->clients, &count);
    printf("streams=%d events=%lld seconds=%.3f measured=%zu p50_us=%.1f p99_us=%.1f max_us=%.1f "
           "late_p99_us=%.1f\n",
           run->options.streams, (long long)clients_received(run->clients), seconds, count,
           (double)percentile(delays, count, 0.50) / 1e3,
           (double)percentile(delays, count, 0.99) / 1e3,
           (double)percentile(delays, count, 1.0) / 1e3,
           (double)provider_late_ns(run->provider) / 1e3);
}

/* Until nothing moves: what is queued then is all that ever will be. */
static void run_stuck(struct run *run)
{
    provider_flood(run->provider);
    int64_t flooded = -1, moved_ns = now_ns();
    while (now_ns() - moved_ns < QUIET_NS) {
        turn(run, 10);
        if (provider_flooded(run->provider) != flooded)
            moved_ns = now_ns();
        flooded = provider_flooded(run->provider);
    }
    printf("streams=%d sent_kib=%lld\n", run->options.streams, (long long)flooded >> 10);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != '\0' || value < 1 || value > 10000000)
        fail("an argument is not a number");
    return (int)value;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option names[] = {{"provider-port", required_argument, NULL, 'p'},
                                          {"target-port", required_argument, NULL, 't'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"streams", required_argument, NULL, 'n'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"warm-ms", required_argument, NULL, 'w'},
                                          {"measure-ms", required_argument, NULL, 'm'},
                                          {"stuck", no_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {
        .streams = 1000, .rate = 50, .warm_ms = 500, .measure_ms = 2000, .key = "none"};
    int *const numbers[] = {
        ['p'] = &options.provider_port, ['t'] = &options.target_port, ['n'] = &options.streams,
        ['r'] = &options.rate,          ['w'] = &options.warm_ms,     ['m'] = &options.measure_ms};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (name == '?')
            exit(2);
        if (name == 's')
            options.stuck = true;
        else if (name == 'k')
            options.key = optarg;
        else
            *numbers[name] = number(optarg);
    }
    if (options.provider_port == 0)
        fail("needs --provider-port");
    if (options.target_port == 0)
        options.target_port = options.provider_port;
    return options;
}

int main(int argc, char **argv)
{
    struct run run = {.options = read_options(argc, argv), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    run.deadline_ns = now_ns() + DEADLINE_NS;
    run.provider = provider_new(&run.options, run.epoll);
    run.clients = clients_new(&run.options, run.epoll);
    open_all(&run);
    if (run.options.stuck)
        run_stuck(&run);
    else
        run_paced(&run);
    clients_free(&run.clients);
    provider_free(&run.provider);
    close(run.epoll);
    return 0;
}
