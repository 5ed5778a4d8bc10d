/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a blob for the requests that send it: one source read on over many PATCHes, opened
 * anew only when the registry has got less than was read. The blob's last byte is held back until
 * the source has come to its end, which is where a source that verifies says whether it lied: what
 * is wrong is never sent whole.
 */
#include "registry/client_upload.h"

#include "base/mem.h"

void upload_body_init(struct upload_body *b, struct op *op, struct transport_upload *upload)
{
	*b = (struct upload_body){ .upload = upload, .op = op };
}

static void rewind_to(struct upload_body *b, uint64_t offset)
{
	source_close(b->from);
	b->from = NULL;
	b->data = NULL;
	b->have = 0;
	b->at = offset;
}

void upload_body_fini(struct upload_body *b)
{
	rewind_to(b, 0);
}

static uint64_t size_of(const struct upload_body *b)
{
	return b->upload->descriptor->size;
}

static int wrong_size(const struct upload_body *b, const char *how, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "the source %s the promised %" PRIu64 " bytes", how,
		       size_of(b));
}

/* Gets the next piece of the source. */
static int pull(struct upload_body *b, struct err *err)
{
	const ssize_t n = source_next(b->from, &b->data, err);

	if (n < 0)
		return (int)n;
	if (!n)
		return wrong_size(b, "ends before", err);
	if ((uint64_t)n > size_of(b) - b->at)
		return wrong_size(b, "goes on after", err);
	b->have = (size_t)n;
	return 0;
}

/* The last byte is at hand: there must be nothing behind it, and nothing wrong. */
static int end_well(struct upload_body *b, struct err *err)
{
	const uint8_t *more;

	b->last = b->data[0];
	const ssize_t n = source_next(b->from, &more, err);

	if (n < 0)
		return (int)n;
	b->data = &b->last;
	return n ? wrong_size(b, "goes on after", err) : 0;
}

/* At most `max` bytes (> 0). */
static ssize_t take(struct upload_body *b, uint64_t max, const uint8_t **ret, struct err *err)
{
	size_t n;

	if (!b->have)
		TRY(pull(b, err));
	n = b->have < max ? b->have : (size_t)max;
	if (b->at + n == size_of(b)) {
		if (n > 1)
			n--;
		else
			TRY(end_well(b, err));
	}
	*ret = b->data;
	b->data += n;
	b->have -= n;
	b->at += n;
	if (b->upload->moved)
		b->upload->moved(b->upload->arg, b->at);
	return (ssize_t)n;
}

struct portion {
	struct source base;
	struct upload_body *body;
	uint64_t left;
};

static ssize_t portion_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct portion *p = container_of(src, struct portion, base);

	if (!p->left)
		return 0;
	const ssize_t n = take(p->body, p->left, ret, err);

	if (n < 0)
		p->body->has_failed = true;
	else
		p->left -= (uint64_t)n;
	return n;
}

static void portion_close(struct source *src)
{
	free(container_of(src, struct portion, base));
}

int upload_portion_open(void *arg, struct source **ret, struct err *err)
{
	static const struct source_ops ops = { .next = portion_next, .close = portion_close };
	const struct upload_portion *wanted = arg;
	struct upload_body *b = wanted->body;
	struct portion *p;

	if (b->at != wanted->offset)
		rewind_to(b, wanted->offset);
	if (!b->from && wanted->bytes) {
		const int rc =
			b->upload->open(b->upload->arg, b->op, wanted->offset, &b->from, err);

		b->has_failed = rc < 0;
		TRY(rc);
	}
	p = NEW(struct portion);
	*p = (struct portion){ .base.ops = &ops, .body = b, .left = wanted->bytes };
	*ret = &p->base;
	return 0;
}
