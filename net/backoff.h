/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting before another try: doubled each time, with jitter so that many clients don't come back
 * at once, for as long as the server asks (RFC 9110 section 10.2.3) within reason, and given up at
 * once when the operation is cancelled.
 */
#ifndef IMG_NET_BACKOFF_H
#define IMG_NET_BACKOFF_H

#include "base/err.h"
#include "base/op.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Longest wait between two tries, ours or asked for by Retry-After: a server that asks for more
 * gets no further try.
 */
#define BACKOFF_MAX_MS 60000

/* Value. */
struct backoff {
	unsigned retries, left; /* further tries at the start, and now */
	uint64_t wait_ms;	/* before the next one */
	uint64_t first_ms;
};

/* `first_ms` 0 means 500. */
void backoff_init(struct backoff *b, unsigned retries, unsigned first_ms);
/* All tries are there again: something was achieved. */
void backoff_reset(struct backoff *b);
/*
 * Waits before another try, with a note that tells why. `asked_ms` is Retry-After's, -1 when there
 * was none. Returns 1 after the wait, 0 when no try is left or the server asks for too long a wait,
 * or -ECANCELED.
 */
int backoff_wait(struct backoff *b, struct op *op, const struct err *why, int64_t asked_ms,
		 struct err *err);

/* 408, 429, 499, 500, 502, 503, 504, 522: worth another try. */
bool backoff_is_status(unsigned status);
/*
 * Retry-After: seconds, or a date counted from `now_sec`. Milliseconds, or -1 when it can't be
 * read.
 */
int64_t backoff_retry_after(const char *value, int64_t now_sec);
/* HTTP's three forms of a date (RFC 9110 section 5.6.7). Returns 0 or -EINVAL; sets no err. */
int backoff_parse_date(const char *text, int64_t *ret_sec);

#endif
