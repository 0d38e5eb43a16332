/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an attempt, its one setter of state, and its end.
 *
 *   DONE (pool) -> STARTED -> HEAD -> BODY
 *       ^             |         |       |
 *       +-------------+---------+-------+    ended by curl, by a deadline, or cancelled
 *
 * Curl is entered from the drive only. So starting and resuming leave the work to the next drive
 * (`asking`). Cancelling acts at once, except inside curl, where a handle cannot be removed: there
 * the attempt is DONE at once, its callbacks stop curl, and it is reaped as curl is left (`doomed`).
 */
#include "upstream/attempt.h"

#include "attempt_private.h"
#include "base/assert.h"
#include "client_private.h"
#include "loop/loop.h"
#include "route_private.h"

/* Counting belongs here: what is neither pooled nor cancelled is active, reaped or not. */
void attempt_set_state(struct attempt *attempt, enum attempt_state state)
{
    enum attempt_state before = attempt->state;
    if (state == ATTEMPT_STARTED)
        ASSERT(before == ATTEMPT_DONE);
    else if (state == ATTEMPT_DONE)
        ASSERT(before != ATTEMPT_DONE);
    else
        ASSERT(before + 1 == state);
    attempt->state = state;
    if (state == ATTEMPT_STARTED)
        attempt->client->active++;
    else if (state == ATTEMPT_DONE)
        attempt->client->active--;
}

/* For the next drive; asking twice is asking once. */
static void ask(struct attempt *attempt)
{
    list_remove(&attempt->asking);
    list_append(&attempt->client->asking, &attempt->asking);
    client_wake(attempt->client);
}

struct attempt *attempt_start(struct upstream_client *client, const struct attempt_spec *spec,
                              const struct attempt_events *events, void *argument)
{
    struct attempt *attempt = pool_take(client, spec->route);
    request_set_body(attempt, spec->body);
    attempt->paused = attempt->withheld = false;
    attempt->fd = -1;
    attempt->head_bytes = 0;
    attempt->events = *events;
    attempt->argument = argument;
    attempt->facts = (struct attempt_facts){.reason = ""};
    attempt->first_byte_timeout_ms = spec->first_byte_timeout_ms;
    attempt->idle_timeout_ms = spec->idle_timeout_ms;
    attempt->total_timeout_ms = spec->total_timeout_ms;
    attempt->started_ms = attempt->heard_ms = loop_now_ms(client->loop);
    attempt_set_state(attempt, ATTEMPT_STARTED);
    list_append(&client->running, &attempt->link);
    client_watch_deadlines(client);
    ask(attempt);
    return attempt;
}

/* Of an unfinished transfer curl closes the connection here and now (over HTTP/2: the stream). */
static void leave_multi(struct attempt *attempt)
{
    if (!attempt->in_multi)
        return;
    attempt->in_multi = false;
    CURLMcode code = curl_multi_remove_handle(attempt->client->multi, attempt->easy);
    ASSERT(code == CURLM_OK);
}

/* The attempt may be reused as soon as it is in the pool, by the very callback called here. */
static void finish(struct attempt *attempt, enum err err, const char *reason)
{
    struct attempt_events events = attempt->events;
    void *argument = attempt->argument;
    attempt->facts.reason = reason;
    struct attempt_facts facts = attempt->facts;
    attempt_set_state(attempt, ATTEMPT_DONE);
    leave_multi(attempt);
    /* An HTTP/2 connection may speak while it rests. */
    if (err == ERR_NONE && attempt->fd >= 0 && !attempt->route->http2)
        sockets_rest(&attempt->client->sockets, attempt->fd);
    pool_give(attempt);
    events.on_done(argument, err, &facts);
}

/* Our own word, where we made curl fail; else curl's. */
static const char *reason_of(const struct attempt *attempt, CURLcode result)
{
    return attempt->facts.reason[0] != '\0' ? attempt->facts.reason : curl_easy_strerror(result);
}

/* Not for the pool: the next look-up of a handle whose last one failed leaks the name (curl 8.14). */
static void end_unconnected(struct attempt *attempt, CURLcode result)
{
    attempt->worn = true;
    finish(attempt, ERR_UPSTREAM_UNREACHABLE, reason_of(attempt, result));
}

void attempt_ended(struct attempt *attempt, CURLcode result)
{
    if (result == CURLE_OK && attempt->facts.status != 0)
        finish(attempt, ERR_NONE, "");
    else if (result == CURLE_OK)
        finish(attempt, ERR_UPSTREAM_BROKEN, "the head of the answer broke off");
    else if (attempt->facts.connected)
        finish(attempt, ERR_UPSTREAM_BROKEN, reason_of(attempt, result));
    else
        end_unconnected(attempt, result);
}

/* Both clocks are the loop's, which stands still within a turn: a long turn makes nobody late. */
static bool passed(int64_t since_ms, int64_t timeout_ms, int64_t now_ms)
{
    return timeout_ms > 0 && now_ms - since_ms >= timeout_ms;
}

/* Waiting for the head is the first byte's business, whatever interim heads came; a reader that
 * pauses is not the provider's fault, but does not stop the total. */
bool attempt_is_late(const struct attempt *attempt, int64_t now_ms)
{
    if (passed(attempt->started_ms, attempt->total_timeout_ms, now_ms))
        return true;
    if (attempt->state == ATTEMPT_STARTED)
        return passed(attempt->started_ms, attempt->first_byte_timeout_ms, now_ms);
    return !attempt->paused && passed(attempt->heard_ms, attempt->idle_timeout_ms, now_ms);
}

void attempt_time_out(struct attempt *attempt)
{
    const char *reason = "the answer stopped";
    if (passed(attempt->started_ms, attempt->total_timeout_ms, loop_now_ms(attempt->client->loop)))
        reason = "the answer took too long";
    else if (attempt->state == ATTEMPT_STARTED)
        reason = "no answer came";
    finish(attempt, ERR_UPSTREAM_TIMEOUT, reason);
}

void attempt_cancel(struct attempt **attempt, struct attempt_facts *facts)
{
    struct attempt *gone = *attempt;
    *attempt = NULL;
    if (facts != NULL)
        *facts = gone != NULL ? gone->facts : (struct attempt_facts){.reason = ""};
    if (gone == NULL)
        return;
    struct upstream_client *client = gone->client;
    attempt_set_state(gone, ATTEMPT_DONE);
    if (!client->inside_curl) {
        attempt_reap(gone);
        return;
    }
    list_remove(&gone->asking);
    list_remove(&gone->link);
    list_append(&client->doomed, &gone->link);
}

void attempt_reap(struct attempt *attempt)
{
    leave_multi(attempt);
    pool_give(attempt);
}

/* Nothing is said to curl yet: when bytes come, the write callback refuses them, which stops it from
 * reading. That way a pause costs nothing while the provider is slower than the reader. */
void attempt_pause(struct attempt *attempt)
{
    if (attempt->paused)
        return;
    attempt->paused = true;
    attempt->paused_ms = loop_now_ms(attempt->client->loop);
}

void attempt_resume(struct attempt *attempt)
{
    if (!attempt->paused)
        return;
    attempt->paused = false;
    attempt->heard_ms += loop_now_ms(attempt->client->loop) - attempt->paused_ms;
    if (attempt->withheld)
        ask(attempt);
}

/* Curl only notes the handle and asks for "time-out now", which this same drive serves for all. */
static void enter_multi(struct attempt *attempt)
{
    CURLMcode code = curl_multi_add_handle(attempt->client->multi, attempt->easy);
    attempt->in_multi = code == CURLM_OK;
    if (code != CURLM_OK)
        finish(attempt, ERR_UPSTREAM_UNREACHABLE, curl_multi_strerror(code));
}

/* Curl hands out what it kept from within this call. The user may pause again in the middle of it
 * (the rest stays kept), or cancel. */
static void release_withheld(struct attempt *attempt)
{
    struct upstream_client *client = attempt->client;
    attempt->withheld = false;
    client_enter_curl(client);
    CURLcode code = curl_easy_pause(attempt->easy, CURLPAUSE_CONT);
    bool failed = code != CURLE_OK && attempt->state != ATTEMPT_DONE;
    client_leave_curl(client);
    if (failed)
        finish(attempt, ERR_UPSTREAM_BROKEN, curl_easy_strerror(code));
}

void attempt_attend(struct attempt *attempt)
{
    if (!attempt->in_multi)
        enter_multi(attempt);
    else if (attempt->withheld && !attempt->paused)
        release_withheld(attempt);
}
