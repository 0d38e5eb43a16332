/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operational log: one line of text a message to stderr, for operators. Access records are
 * telemetry's. Never given keys, tokens or user text. Any thread; a line is one write().
 *
 *   2026-11-24T15:07:00.123Z info listening on 127.0.0.1:8080
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Messages below `level` are dropped; LOG_LEVEL_INFO at start. Set before threads start. */
void log_set_level(enum log_level level);

/* Control characters become '?', a message over 2,000 bytes ends in "...". Keeps errno. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
