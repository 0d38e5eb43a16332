/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of the few answers that the network gives by itself, to requests whose endpoint, and so
 * whose dialect, is not known.
 */
#include "server_private.h"

void refuse_write_body(struct buf *out, enum err err)
{
    const struct err_info *info = err_info(err);
    buf_append(out, SPAN("{\"error\":{\"message\":"));
    buf_append_json_string(out, span_from_string(info->sentence));
    buf_append(out, SPAN(",\"type\":"));
    buf_append_json_string(out, span_from_string(info->type));
    buf_append(out, SPAN(",\"param\":null,\"code\":"));
    buf_append_json_string(out, span_from_string(info->code));
    buf_append(out, SPAN("}}"));
}
