/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* `ledger`: how sure and how long what was spent is kept. */
#include "check.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

void check_ledger(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    static const struct choice durabilities[] = {
        {"default", LEDGER_DEFAULT}, {"strict", LEDGER_STRICT}, {NULL, 0}};
    static const struct field fields[] = {{.name = "durability",
                                           .read = field_choice,
                                           .offset = offsetof(struct ledger_rule, durability),
                                           .choices = durabilities},
                                          {.name = "retention",
                                           .read = field_duration,
                                           .offset = offsetof(struct ledger_rule, retention_ms),
                                           .least = DAY_MS,
                                           .most = 36500 * DAY_MS,
                                           .example = "from 1d to 36500d"},
                                          {.name = "must_exist",
                                           .read = field_bool,
                                           .offset = offsetof(struct ledger_rule, must_exist)},
                                          {.name = "ship"},
                                          {.name = NULL}};
    struct snapshot *snapshot = into;
    (void)field;
    schema_map(check, entry->value, "'ledger'", fields, &snapshot->ledger);
}
