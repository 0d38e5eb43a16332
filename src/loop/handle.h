/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv closes a handle in two steps: uv_close() now, and a callback at the end of the turn, before
 * which its memory must stay. Above this module freeing is immediate, so the structs that hold a
 * handle are detached from their owner at once and freed in that callback.
 */
#ifndef LOOP_HANDLE_H
#define LOOP_HANDLE_H

#include <stddef.h>
#include <uv.h>

/* The struct whose `member` is this handle: typed, so nothing comes back as a void pointer. */
#define HANDLE_OWNER(handle, type, member) \
    ((type *)(void *)((char *)(handle)-offsetof(type, member)))

/* No callback of the handle runs any more; `allocation`, which holds it, is freed later. */
void handle_close(uv_handle_t *handle, void *allocation);

#endif
