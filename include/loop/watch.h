/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when anything changes in a directory: the way to see files replaced by rename, as editors
 * and Kubernetes do. Names are not told; callers look again at what they care for. A directory that
 * is deleted or replaced is told, too, then looked for until it is back. Loop thread only.
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

struct loop;
struct watch;

/* NULL when the directory cannot be watched (it is missing, or the system is out of watches).
 * `changed` is called at most once for all changes of a turn, and may free the watch. */
struct watch *watch_new(struct loop *loop, const char *directory, void (*changed)(void *argument),
                        void *argument);
/* `changed` is not called again. Accepts NULL. */
void watch_free(struct watch **address);

#endif
