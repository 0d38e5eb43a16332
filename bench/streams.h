/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of many streams in one thread: the provider that writes events and the clients that read
 * them, with or without a gateway between. One clock stamps an event and takes its time.
 *
 *   streams.c            arguments, the loop, the report
 *   streams_provider.c   answers requests with events, at a pace or as fast as they are taken
 *   streams_clients.c    opens streams, reads stamps; or reads nothing at all
 *
 * Whatever goes wrong ends the program: fail().
 */
#ifndef BENCH_STREAMS_H
#define BENCH_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stamp in an event: CLOCK_MONOTONIC in nanoseconds, in decimal, after "content":"T */
#define STAMP_MARK   "\"T"
#define STAMP_DIGITS 19

struct options {
    int streams;
    int rate;          /* events a second, of each */
    int warm_ms;       /* of pace before events count */
    int measure_ms;    /* and after */
    int provider_port; /* where the provider listens */
    int target_port;   /* where clients connect: the same, or a gateway's */
    const char *key;
    bool stuck; /* clients read nothing, the provider writes what it can */
};

enum peer_kind { PEER_LISTENER, PEER_PROVIDER, PEER_CLIENT };

/* What epoll hands back: the first member of each kind's own struct. */
struct peer {
    enum peer_kind kind;
    int fd;
};

_Noreturn void fail(const char *what);
int64_t now_ns(void);
void watch(int epoll, struct peer *peer, uint32_t events);

/* ---- the provider ---- */

struct provider;

struct provider *provider_new(const struct options *options, int epoll);
void provider_free(struct provider **provider);
void provider_accept(struct provider *provider);
void provider_event(struct provider *provider, struct peer *peer, uint32_t events);
/* Streams that have begun. */
int provider_opened(const struct provider *provider);

/* At a pace: starts it, writes at most a few events that are due, says whether all are written. */
void provider_start(struct provider *provider);
bool provider_pace(struct provider *provider);
/* Ends all streams as it should be, so that no gateway takes its provider for a broken one. */
void provider_finish(struct provider *provider);
int64_t provider_sent(const struct provider *provider);
/* How late events were written, in nanoseconds: the 99th percentile of those that count. */
int64_t provider_late_ns(struct provider *provider);

/* Starts to write as fast as it is taken; bytes written so far. */
void provider_flood(struct provider *provider);
int64_t provider_flooded(const struct provider *provider);

/* ---- the clients ---- */

struct clients;

struct clients *clients_new(const struct options *options, int epoll);
void clients_free(struct clients **clients);
/* Opens further streams, a limited number without an answer at a time. */
void clients_open(struct clients *clients, int opened);
/* Stamps from then on are measured. */
void clients_measure_from(struct clients *clients, int64_t from_ns);
void clients_event(struct clients *clients, struct peer *peer);
/* From then on answers may end; how many have. */
void clients_finish(struct clients *clients);
int clients_ended(const struct clients *clients);
int64_t clients_received(const struct clients *clients);
/* The delays that were measured, sorted. */
const int64_t *clients_delays(struct clients *clients, size_t *count);

/* ---- both ---- */

int64_t percentile(const int64_t *sorted, size_t count, double part);
void sort_ns(int64_t *values, size_t count);

#endif
