/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The second step of closing, the same for every kind of handle. */
#include "handle.h"

#include <stdlib.h>

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void handle_close(uv_handle_t *handle, void *allocation)
{
    handle->data = allocation;
    uv_close(handle, on_closed);
}
