/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* uv_queue_work, whose request lives here until libuv is done with it. loop_free() waits for it. */
#include "loop/offload.h"

#include "base/memory.h"
#include "handle.h"
#include "loop/loop.h"

#include "base/assert.h"

#include <stdlib.h>

struct offload {
    uv_work_t request;
    struct offload_job job;
    bool abandoned; /* the loop's thread alone */
};

static void on_work(uv_work_t *request)
{
    struct offload *offload = HANDLE_OWNER(request, struct offload, request);
    offload->job.work(offload->job.argument);
}

/* A status other than 0 is a cancel, which only offload_abandon() asks for. */
static void on_done(uv_work_t *request, int status)
{
    struct offload *offload = HANDLE_OWNER(request, struct offload, request);
    ASSERT(status == 0 || offload->abandoned);
    offload->job.done(offload->job.argument, offload->abandoned);
    free(offload);
}

struct offload *offload_start(struct loop *loop, const struct offload_job *job)
{
    struct offload *offload = MEMORY_NEW(struct offload);
    offload->job = *job;
    int err = uv_queue_work(loop_uv(loop), &offload->request, on_work, on_done);
    ASSERT(err == 0); /* fails for want of a callback alone */
    return offload;
}

void offload_abandon(struct offload **address)
{
    struct offload *offload = *address;
    *address = NULL;
    if (offload == NULL)
        return;
    offload->abandoned = true;
    uv_cancel((uv_req_t *)&offload->request); /* fails where it has begun: then it is awaited */
}
