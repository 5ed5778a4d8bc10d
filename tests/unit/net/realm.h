/* SPDX-License-Identifier: Apache-2.0 */
/* A token server as a function: says what it was asked, answers by a script. Thread-safe. */
#ifndef TESTS_UNIT_NET_REALM_H
#define TESTS_UNIT_NET_REALM_H

#include "base/buf.h"
#include "net/auth.h"

#include <pthread.h>

struct realm {
	pthread_mutex_t lock;
	struct buf asked; /* "METHOD URL authorization=... form=...\n" each */
	unsigned count;
	unsigned status;      /* 0: 200 */
	unsigned form_status; /* of a POST; 0: as status */
	const char *body;     /* NULL: a token "T<count>" good for `seconds` */
	unsigned seconds;
	uint64_t now_s;	     /* the clock */
	bool slow;	     /* lets other threads come while it answers */
	enum err_kind fails; /* no answer at all */
};

void realm_init(struct realm *r);
void realm_fini(struct realm *r);
#define _realm_ __attribute__((cleanup(realm_fini)))

auth_exchange_fn realm_exchange;
uint64_t realm_clock(void *arg);

#endif
