/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Date field (RFC 9110, section 6.6.1: a server with a clock sends it). The wall clock is read and
 * formatted once a second; between, the loop's own time tells whether that second is over. A clock
 * that is set back or forward is followed within a second.
 */
#include "server_private.h"

struct span server_date(struct server *server)
{
    int64_t now_ms = loop_now_ms(server->loop);
    if (now_ms >= server->date_until_ms) {
        int64_t wall_ns = clock_wall_ns();
        clock_http_date(wall_ns, server->date);
        server->date_until_ms = now_ms + 1000 - wall_ns % NS_PER_S / NS_PER_MS;
    }
    return span_make(server->date, sizeof(server->date) - 1);
}
