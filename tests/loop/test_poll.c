/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The poller: what it tells, what it costs, that it never spins. Costs are counted where they
 * arise: this program's own epoll_ctl() and uv_poll_start() stand before libc's and libuv's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/poll.h"
#include "until.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static int rearms;

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int (*next)(int, int, int, struct epoll_event *);

    *(void **)&next = dlsym(RTLD_NEXT, "epoll_ctl");
    rearms++;
    return next(epfd, op, fd, event);
}

/* Newer versions of libuv batch epoll_ctl through io_uring, unseen by the above. */
int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb callback)
{
    int (*next)(uv_poll_t *, int, uv_poll_cb);

    *(void **)&next = dlsym(RTLD_NEXT, "uv_poll_start");
    rearms++;
    return next(handle, events, callback);
}

struct fixture {
    struct loop *loop;
    struct poller *poller;
    int here;  /* polled */
    int there; /* its peer */
    int count;
    int fd;
    int events;
    void (*then)(struct fixture *f);
};

static void ready(void *argument, int fd, int events)
{
    struct fixture *f = argument;

    f->count++;
    f->fd = fd;
    f->events = events;
    if (f->then != NULL)
        f->then(f);
}

static void connect_pair(struct fixture *f)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    f->here = pair[0];
    f->there = pair[1];
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.loop = loop_new()};
    assert_non_null(f->loop);
    f->poller = poller_new(f->loop, ready, f);
    connect_pair(f);
}

static void fixture_fini(struct fixture *f)
{
    poller_free(&f->poller);
    assert_null(f->poller);
    poller_free(&f->poller);
    close(f->here);
    close(f->there);
    loop_free(&f->loop);
}

static void send_byte(struct fixture *f)
{
    assert_int_equal(write(f->there, "x", 1), 1);
}

static void read_byte(struct fixture *f)
{
    char byte;

    assert_int_equal(read(f->here, &byte, 1), 1);
}

static void want(struct fixture *f, int events)
{
    assert_int_equal(poller_want(f->poller, f->here, events), 0);
}

/* Exactly one more call, with these events. */
static void assert_told(struct fixture *f, int events)
{
    int before = f->count;

    f->events = 0;
    assert_true(run_until(f->loop, &f->count, before + 1));
    assert_int_equal(f->events, events);
    assert_int_equal(f->fd, f->here);
    assert_int_equal(f->count, before + 1);
}

static void assert_silent(struct fixture *f)
{
    int before = f->count;

    assert_true(falls_asleep(f->loop));
    assert_int_equal(f->count, before);
}

static void tells_what_is_wanted(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    assert_silent(&f);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    assert_told(&f, POLLER_IN); /* until it is read */
    want(&f, POLLER_OUT);
    assert_told(&f, POLLER_OUT);
    want(&f, POLLER_IN | POLLER_OUT);
    assert_told(&f, POLLER_IN | POLLER_OUT);
    read_byte(&f);
    assert_told(&f, POLLER_OUT);
    want(&f, POLLER_IN);
    assert_silent(&f);
    fixture_fini(&f);
}

/* One request on a kept connection: wanted while it lasts, unwanted in the pool. */
static void use_connection_once(struct fixture *f)
{
    want(f, POLLER_IN);
    send_byte(f);
    assert_told(f, POLLER_IN);
    read_byte(f);
    want(f, 0);
    assert_silent(f);
}

static void using_a_connection_again_is_free(void **state)
{
    struct fixture f;
    int at_first;

    (void)state;
    fixture_init(&f);
    rearms = 0;
    use_connection_once(&f);
    at_first = rearms;
    assert_true(at_first > 0); /* the count does count */
    for (int i = 0; i < 3; i++)
        use_connection_once(&f);
    assert_int_equal(rearms, at_first);
    fixture_fini(&f);
}

static void unwanted_input_disarms(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    want(&f, 0);
    send_byte(&f);
    assert_silent(&f);
    want(&f, POLLER_IN); /* what came meanwhile is still there */
    assert_told(&f, POLLER_IN);
    read_byte(&f);
    assert_silent(&f);
    fixture_fini(&f);
}

/* IN is armed and there, but only OUT is wanted, and there is no room to write. */
static void unwanted_input_while_output_is_awaited(void **state)
{
    static const char block[65536];
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(fcntl(f.here, F_SETFL, O_NONBLOCK), 0);
    while (write(f.here, block, sizeof(block)) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    want(&f, POLLER_IN);
    want(&f, POLLER_OUT);
    send_byte(&f);
    assert_silent(&f);
    assert_int_equal(fcntl(f.there, F_SETFL, O_NONBLOCK), 0);
    for (char room[65536]; read(f.there, room, sizeof(room)) > 0;) {
    }
    assert_told(&f, POLLER_OUT);
    want(&f, POLLER_IN);
    assert_told(&f, POLLER_IN);
    fixture_fini(&f);
}

static void unwanted_output_is_dropped(void **state)
{
    struct fixture f;
    int when_dropped;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN | POLLER_OUT);
    assert_told(&f, POLLER_OUT);
    want(&f, POLLER_IN);
    assert_silent(&f);
    when_dropped = rearms;
    assert_silent(&f);
    assert_int_equal(rearms, when_dropped);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    want(&f, 0);
    assert_silent(&f);
    fixture_fini(&f);
}

/* A request that had to wait for room: IN stays armed meanwhile. */
static void input_stays_armed(void **state)
{
    struct fixture f;
    int before;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    want(&f, POLLER_OUT);
    assert_told(&f, POLLER_OUT);
    before = rearms;
    want(&f, POLLER_IN);
    assert_int_equal(rearms, before);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    fixture_fini(&f);
}

static void a_forgotten_number_can_be_used_again(void **state)
{
    struct fixture f;
    int number;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    assert_silent(&f); /* the kernel watches it now */
    send_byte(&f);
    number = f.here;
    poller_forget(f.poller, f.here);
    poller_forget(f.poller, f.here);
    close(f.here);
    close(f.there);
    connect_pair(&f);
    assert_int_equal(f.here, number);
    want(&f, POLLER_IN);
    assert_silent(&f); /* the byte belonged to the other one */
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    poller_forget(f.poller, f.here);
    assert_silent(&f);
    fixture_fini(&f);
}

static void replace_connection(struct fixture *f)
{
    int number = f->here;

    f->then = NULL;
    poller_forget(f->poller, f->here);
    close(f->here);
    close(f->there);
    connect_pair(f);
    assert_int_equal(f->here, number);
    want(f, POLLER_IN);
}

static void forget_connection(struct fixture *f)
{
    poller_forget(f->poller, f->here);
}

static void ready_may_forget_and_reuse(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    send_byte(&f);
    f.then = replace_connection;
    assert_told(&f, POLLER_IN);
    assert_silent(&f);
    send_byte(&f);
    f.then = forget_connection;
    assert_told(&f, POLLER_IN);
    assert_silent(&f);
    fixture_fini(&f);
}

struct pair_fixture {
    struct fixture first;
    struct fixture second;
};

static void forget_the_second(struct fixture *f)
{
    struct fixture *second = &((struct pair_fixture *)(void *)f)->second;

    read_byte(f);
    poller_forget(second->poller, second->here);
}

/* Both are ready in one poll of the kernel's; the first to be told forgets the other. */
static void forgetting_another_one(void **state)
{
    struct pair_fixture p;
    struct fixture *f = &p.first;

    (void)state;
    fixture_init(f);
    p.second = *f;
    connect_pair(&p.second);
    want(f, POLLER_IN);
    want(&p.second, POLLER_IN);
    assert_silent(f);
    send_byte(f);
    send_byte(&p.second);
    f->then = forget_the_second;
    assert_told(f, POLLER_IN);
    assert_silent(f);
    close(p.second.here);
    close(p.second.there);
    fixture_fini(f);
}

static void a_hang_up_reaches_the_owner(void **state)
{
    struct fixture f;
    int ends[2];
    char byte;

    (void)state;
    fixture_init(&f);
    want(&f, POLLER_IN);
    want(&f, 0);
    close(f.there);
    assert_silent(&f); /* nobody wants to hear, so it is disarmed */
    want(&f, POLLER_IN);
    assert_told(&f, POLLER_IN);
    assert_int_equal(read(f.here, &byte, 1), 0);
    poller_forget(f.poller, f.here);
    close(f.here);

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0); /* HUP without IN, from the kernel */
    f.here = ends[0];
    f.there = ends[1];
    want(&f, POLLER_IN);
    assert_silent(&f);
    close(f.there);
    assert_told(&f, POLLER_IN);
    f.there = -1;
    fixture_fini(&f);
}

static void an_error_reaches_the_owner(void **state)
{
    struct fixture f;
    int ends[2];

    (void)state;
    fixture_init(&f);
    close(f.here);
    close(f.there);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    f.here = ends[1];
    f.there = -1;
    want(&f, POLLER_OUT);
    assert_told(&f, POLLER_OUT);
    close(ends[0]); /* nobody reads any more */
    assert_told(&f, POLLER_OUT | POLLER_ERROR);
    assert_told(&f, POLLER_OUT | POLLER_ERROR);
    want(&f, 0);
    assert_silent(&f);
    want(&f, POLLER_OUT);
    f.then = forget_connection;
    assert_told(&f, POLLER_OUT | POLLER_ERROR);
    assert_silent(&f);
    fixture_fini(&f);
}

static int datagram_socket(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*address);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static void take_error(struct fixture *f)
{
    int error = 0;
    socklen_t size = sizeof(error);

    assert_int_equal(getsockopt(f->here, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    if (f->events & POLLER_ERROR)
        assert_int_equal(error, ECONNREFUSED);
}

/* A datagram that is refused: the error passes, and what is wanted stays wanted. */
static void hearing_goes_on_after_a_passing_error(void **state)
{
    struct fixture f;
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct sockaddr_in there = {.sin_family = AF_INET};

    (void)state;
    fixture_init(&f);
    close(f.here);
    close(f.there);
    here.sin_addr.s_addr = there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f.here = datagram_socket(&here);
    f.there = datagram_socket(&there);
    assert_int_equal(connect(f.here, (struct sockaddr *)&there, sizeof(there)), 0);
    close(f.there);
    assert_int_equal(send(f.here, "x", 1, 0), 1);
    want(&f, POLLER_IN);
    f.then = take_error;
    assert_told(&f, POLLER_IN | POLLER_ERROR);
    assert_silent(&f);
    f.there = datagram_socket(&there);
    assert_int_equal(connect(f.there, (struct sockaddr *)&here, sizeof(here)), 0);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    fixture_fini(&f);
}

static void what_cannot_be_polled(void **state)
{
    struct fixture f;
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    int regular = open(WEIR_SOURCE_DIR "/CMakeLists.txt", O_RDONLY | O_CLOEXEC);

    (void)state;
    fixture_init(&f);
    assert_int_equal(poller_want(f.poller, regular, POLLER_IN), -EPERM);
    assert_int_equal(poller_want(f.poller, -1, POLLER_IN), -EBADF);
    close(file);
    assert_int_equal(poller_want(f.poller, file, POLLER_IN), -EBADF);
    assert_int_equal(poller_want(f.poller, file, 0), 0); /* unknown, and nothing to hear */
    poller_forget(f.poller, file);
    poller_forget(f.poller, -1);
    poller_forget(f.poller, 1 << 30);
    close(regular);
    fixture_fini(&f);
}

static void two_pollers_share_no_descriptor(void **state)
{
    struct fixture f;
    struct poller *other;

    (void)state;
    fixture_init(&f);
    other = poller_new(f.loop, ready, &f);
    want(&f, POLLER_IN);
    assert_int_equal(poller_want(other, f.here, POLLER_IN), -EEXIST);
    poller_forget(f.poller, f.here);
    assert_int_equal(poller_want(other, f.here, POLLER_IN), 0);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    poller_free(&other);
    assert_silent(&f);
    fixture_fini(&f);
}

/* The table grows to a high number and keeps what it had. */
static void high_numbers(void **state)
{
    struct fixture f;
    int low;
    int high;

    (void)state;
    fixture_init(&f);
    low = f.here;
    want(&f, POLLER_IN);
    high = fcntl(f.there, F_DUPFD_CLOEXEC, 700);
    assert_true(high >= 700);
    assert_int_equal(poller_want(f.poller, high, POLLER_IN), 0);
    assert_silent(&f);
    send_byte(&f);
    assert_told(&f, POLLER_IN);
    read_byte(&f);
    assert_int_equal(write(f.here, "x", 1), 1);
    f.here = high;
    assert_told(&f, POLLER_IN);
    f.here = low;
    poller_free(&f.poller);
    close(high);
    fixture_fini(&f);
}

int test_poll(void);
int test_poll(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_wanted),
        cmocka_unit_test(using_a_connection_again_is_free),
        cmocka_unit_test(unwanted_input_disarms),
        cmocka_unit_test(unwanted_input_while_output_is_awaited),
        cmocka_unit_test(unwanted_output_is_dropped),
        cmocka_unit_test(input_stays_armed),
        cmocka_unit_test(a_forgotten_number_can_be_used_again),
        cmocka_unit_test(ready_may_forget_and_reuse),
        cmocka_unit_test(forgetting_another_one),
        cmocka_unit_test(a_hang_up_reaches_the_owner),
        cmocka_unit_test(an_error_reaches_the_owner),
        cmocka_unit_test(hearing_goes_on_after_a_passing_error),
        cmocka_unit_test(what_cannot_be_polled),
        cmocka_unit_test(two_pollers_share_no_descriptor),
        cmocka_unit_test(high_numbers),
    };

    return cmocka_run_group_tests_name("loop/poll", tests, NULL, NULL);
}
