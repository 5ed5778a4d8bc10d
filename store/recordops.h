/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backends of the records share: what a write expects to find, and which keys are in a
 * range.
 */
#ifndef IMG_STORE_RECORDOPS_H
#define IMG_STORE_RECORDOPS_H

#include "store/records.h"

/* "No record": as a generation that was found, and as the one a create expects. */
#define RECORD_ABSENT ((uint64_t)0)

/* Compares what a write expects with what is there: ERR_EXISTS, ERR_CHANGED. */
int record_expect(const char *key, uint64_t expected, uint64_t found, struct err *err);
/* ERR_NOT_FOUND for that key. */
int record_not_found(const char *key, struct err *err);
/* Fails a transaction that is past saving. */
int record_doomed(struct err *err);

/* Where a walk of the range starts: the first key not below `buf`, which is written. */
void records_range_start(const struct records_range *range, char buf[2 * RECORD_KEY_MAX + 2]);
/* False when a key that is not below the start is past the end. */
bool records_range_has(const struct records_range *range, const char *key, size_t seen);

#endif
