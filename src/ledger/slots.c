/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of a file through a buffer, which always has a whole record where the file has one. */
#include "files.h"

#include "base/memory.h"

#include <stdlib.h>

#define BUFFER_SLOTS 512 /* 64 KiB */

bool slots_open(struct slots *slots, struct ledger_io *io, const char *path, int *error)
{
    *slots = (struct slots){.io = io};
    slots->fd = io->open(io, path, LEDGER_OPEN_READ);
    *error = slots->fd < 0 ? slots->fd : 0;
    if (slots->fd >= 0)
        slots->bytes = memory_array(BUFFER_SLOTS, RECORD_SLOT);
    return slots->fd >= 0;
}

void slots_close(struct slots *slots)
{
    if (slots->bytes == NULL)
        return;
    slots->io->close(slots->io, slots->fd);
    free(slots->bytes);
    *slots = (struct slots){.fd = -1};
}

void slots_forget(struct slots *slots)
{
    slots->count = 0;
}

const uint8_t *slots_at(struct slots *slots, uint64_t index, size_t *count, int *error)
{
    *error = 0;
    bool inside = index >= slots->first && index - slots->first < slots->count;
    if (!inside || slots->first + slots->count - index < RECORD_MAX_SLOTS) {
        int64_t got =
            slots->io->read(slots->io, slots->fd, slots->bytes, (size_t)BUFFER_SLOTS * RECORD_SLOT,
                            (int64_t)index * RECORD_SLOT);
        *error = got < 0 ? (int)got : 0;
        slots->first = index;
        slots->count = got < 0 ? 0 : (size_t)got / RECORD_SLOT;
    }
    *count = (size_t)(slots->first + slots->count - index);
    return slots->bytes + (index - slots->first) * RECORD_SLOT;
}
