/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Curl's sockets in our loop: what curl waits for goes to the poller, what is ready is kept until
 * the drive of the turn asks for it.
 */
#ifndef UPSTREAM_SOCKETS_H
#define UPSTREAM_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;
struct poller;

struct socket_entry {
    int wanted;       /* CURL_POLL_IN | CURL_POLL_OUT; 0: nothing */
    bool established; /* a request went through it: curl closes it by sockets_close only */
    bool idle;        /* kept, and nothing uses it: bytes on it are nobody's answer */
    int local_port;   /* of an established connection */
    int remote_port;
};

struct ready_socket {
    int fd; /* -1: closed meanwhile */
    int events;
};

struct sockets {
    struct poller *poller;
    struct socket_entry *entries; /* by descriptor */
    size_t entry_count;
    struct ready_socket *ready;
    size_t ready_count;
    size_t ready_capacity;
    void (*wake)(void *argument); /* something is ready */
    void *argument;
};

void sockets_init(struct sockets *sockets, struct loop *loop, void (*wake)(void *argument),
                  void *argument);
void sockets_fini(struct sockets *sockets);

/* CURLMOPT_SOCKETFUNCTION's work; `connected`: the attempt it is for has got its connection. */
void sockets_want(struct sockets *sockets, curl_socket_t fd, int what, bool connected);
/* CURLOPT_CLOSESOCKETFUNCTION's. */
int sockets_close(struct sockets *sockets, curl_socket_t fd);

/* The kept connection with these ports is in use again, although curl has wanted nothing of it yet: it
 * sent and read in one go. Returns its descriptor, or -1. */
curl_socket_t sockets_take(struct sockets *sockets, int local_port, int remote_port);

/* The answer on this connection is complete. If curl keeps it and has not given it to another transfer
 * yet, it should be silent from now on. */
void sockets_rest(struct sockets *sockets, curl_socket_t fd);

/* What became ready since the last time: act(argument, fd, CURL_CSELECT_*) for each, whereby others
 * may be closed. */
void sockets_run(struct sockets *sockets, void (*act)(void *argument, curl_socket_t fd, int bits));

#endif
