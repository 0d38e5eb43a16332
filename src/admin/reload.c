/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* POST /admin/reload: the same as SIGHUP, with an answer. */
#include "admin_private.h"

void reload_post(struct admin *admin, const struct headers *headers, struct admin_reply *reply)
{
    (void)headers;
    if (admin->owner->reload(admin->argument, reply->body)) {
        buf_append(reply->body, SPAN("reloaded\n"));
        return;
    }
    reply->status = 400; /* the problems, file:line:column: message, are in the body */
}
