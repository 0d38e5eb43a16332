/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's model objects, from the snapshot. */
#include "models_list.h"

#include "base/clock.h"

static void write_model(const struct model *model, struct span name, struct buf *out)
{
    buf_append(out, SPAN("{\"id\":"));
    buf_append_json_string(out, name);
    buf_printf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":",
               (long long)(model->loaded_wall_ns / NS_PER_S));
    buf_append_json_string(out, span_from_string(model->targets[0].provider->name));
    buf_append_byte(out, '}');
}

static bool write_one(const struct snapshot *snapshot, const struct key *key, struct span id,
                      struct buf *out)
{
    const struct model *model = snapshot_model(snapshot, id);
    if (model == NULL || !subject_may_use(key, model->name))
        return false;
    write_model(model, id, out);
    return true;
}

bool models_list_write(const struct snapshot *snapshot, const struct key *key, struct span id,
                       struct buf *out)
{
    if (id.len != 0)
        return write_one(snapshot, key, id, out);
    bool first = true;
    buf_append(out, SPAN("{\"object\":\"list\",\"data\":["));
    for (size_t i = 0; i < snapshot->model_count; i++) {
        const struct model *model = snapshot->models[i];
        if (!subject_may_use(key, model->name))
            continue;
        if (!first)
            buf_append_byte(out, ',');
        first = false;
        write_model(model, model->name, out);
    }
    buf_append(out, SPAN("]}"));
    return true;
}
