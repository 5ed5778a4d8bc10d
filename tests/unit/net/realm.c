/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted token server. */
#include "tests/unit/net/realm.h"

#include <sched.h>

void realm_init(struct realm *r)
{
	*r = (struct realm){ .asked = BUF_INIT(1 << 20), .now_s = 1000, .seconds = 300 };
	pthread_mutex_init(&r->lock, NULL);
}

void realm_fini(struct realm *r)
{
	buf_fini(&r->asked);
	pthread_mutex_destroy(&r->lock);
}

uint64_t realm_clock(void *arg)
{
	struct realm *r = arg;

	pthread_mutex_lock(&r->lock);
	const uint64_t now = r->now_s;

	pthread_mutex_unlock(&r->lock);
	return now;
}

static int answer(struct realm *r, const struct auth_exchange *x, struct auth_reply *ret,
		  struct err *err)
{
	r->count++;
	buf_printf(&r->asked, NULL, "%s %s", x->method, x->url);
	if (x->authorization)
		buf_printf(&r->asked, NULL, " authorization=%s", x->authorization);
	if (x->form)
		buf_printf(&r->asked, NULL, " form=%s", x->form);
	buf_append_char(&r->asked, '\n', NULL);
	if (r->fails)
		return err_set(err, r->fails, "no answer");
	ret->status = r->status ? r->status : 200;
	if (x->form && r->form_status)
		ret->status = r->form_status;
	if (r->body)
		return buf_append_str(ret->body, r->body, err);
	return buf_printf(ret->body, err, "{\"token\":\"T%u\",\"expires_in\":%u}", r->count,
			  r->seconds);
}

int realm_exchange(void *arg, struct op *op, const struct auth_exchange *x, struct auth_reply *ret,
		   struct err *err)
{
	struct realm *r = arg;

	(void)op;
	for (int i = 0; r->slow && i < 1000; i++)
		sched_yield();
	pthread_mutex_lock(&r->lock);
	const int rc = answer(r, x, ret, err);

	pthread_mutex_unlock(&r->lock);
	return rc;
}
