/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every attempt of an exchange passes when it ends, whether another one follows or not: its
 * hold ends, its target's health hears of it, its spend is counted. The exchange's own SETTLE and
 * RECORD end the last one so.
 */
#ifndef GATEWAY_ATTEMPTS_H
#define GATEWAY_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

struct exchange;

/* Whether the attempt has failed, or its head says that it will, in a way that its model tries
 * again, while nothing has reached the client. */
bool attempts_retryable(const struct exchange *exchange);
/* Tells the target's health, once for each permit. */
void attempts_report(struct exchange *exchange);
/* The answer that is under way may be a long one: a target on probation has passed with its head. */
void attempts_passed(const struct exchange *exchange);

/* Cancels the attempt if it still runs, makes its bill, ends its hold. Without an attempt only an
 * open hold ends. */
void attempts_settle(struct exchange *exchange);
/* Counts a settled attempt, and adds it to the receipt. Does nothing where none was sent. */
void attempts_record(struct exchange *exchange);
/* A failed attempt that another one follows after wait_ms: settles, records and forgets it, and
 * resumes the pipeline when the time has come. */
void attempts_fail(struct exchange *exchange, int64_t wait_ms);
/* Whether that time has not come yet. */
bool attempts_waiting(const struct exchange *exchange);
/* Nothing will follow any more. */
void attempts_stop(struct exchange *exchange);

/* The tenant's answers of the target, in snapshot->outputs. */
uint64_t exchange_outputs_key(const struct exchange *exchange);

#endif
