/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blob from place to place. From its start it is verified while it passes; from an offset only
 * its size can be, and the place that has the part before verifies the whole.
 */
#include "base/mem.h"
#include "base/text.h"
#include "transport/copy_int.h"

/* One move. */
struct moving {
	struct copy *copy;
	const struct descriptor *descriptor;
	struct op *op;
	uint64_t item;	 /* for progress */
	bool is_missing; /* the source said so */
};

static void report(struct moving *m, enum progress_kind kind, const char *state, uint64_t bytes)
{
	char label[32];

	snprintf(label, sizeof(label), "%.12s", DIGEST_HEX(&m->descriptor->digest));
	op_report(m->op, &(struct progress_event){ .kind = kind,
						   .item = m->item,
						   .label = label,
						   .state = state,
						   .bytes = bytes,
						   .total_bytes = m->descriptor->size });
}

/* --- the source ------------------------------------------------------------------------------ */

/* Leaves the first bytes out, once they have passed the checks below. */
struct skip {
	struct source base;
	struct source *from;
	uint64_t left;
};

static ssize_t skip_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct skip *s = container_of(src, struct skip, base);

	for (;;) {
		const ssize_t n = source_next(s->from, ret, err);

		if (n <= 0)
			return n;
		if ((uint64_t)n <= s->left) {
			s->left -= (uint64_t)n;
			continue;
		}
		const uint64_t skipped = s->left;

		s->left = 0;
		*ret += skipped;
		return n - (ssize_t)skipped;
	}
}

static void skip_close(struct source *src)
{
	struct skip *s = container_of(src, struct skip, base);

	source_close(s->from);
	free(s);
}

static struct source *skip_new(struct source *from, uint64_t bytes)
{
	static const struct source_ops ops = { .next = skip_next, .close = skip_close };
	struct skip *s = NEW(struct skip);

	s->base.ops = &ops;
	s->from = from;
	s->left = bytes;
	return &s->base;
}

static int open_at(void *arg, struct op *op, uint64_t offset, struct source **ret, struct err *err)
{
	static const struct digest none;
	struct moving *m = arg;
	const struct descriptor *d = m->descriptor;
	struct transport_range range = { d, offset, 0 };
	struct source *raw = NULL;
	struct err why = { 0 };

	if (transport_open_blob(m->copy->req->from, op, &range, &raw, &why) < 0) {
		m->is_missing = why.kind == ERR_NOT_FOUND;
		/* The descriptor may carry the bytes itself (image-spec descriptor.md "data"). */
		if (m->is_missing && d->data && offset <= d->size) {
			*ret = source_verify(source_mem(d->data, d->size), &d->digest, d->size,
					     DIGEST_TEXT(&d->digest));
			*ret = offset ? skip_new(*ret, offset) : *ret;
			return 0;
		}
		err_keep_first(err, &why);
		return -why.errnum;
	}
	report(m, PROGRESS_STATE, "copying", offset);
	raw = source_op(raw, op);
	if (range.ret_offset > 0) {
		*ret = source_verify(raw, &none, d->size - range.ret_offset,
				     DIGEST_TEXT(&d->digest));
		return 0;
	}
	*ret = source_verify(raw, &d->digest, d->size, DIGEST_TEXT(&d->digest));
	if (offset)
		*ret = skip_new(*ret, offset);
	return 0;
}

/* --- the move -------------------------------------------------------------------------------- */

static void moved(void *arg, uint64_t bytes)
{
	report(arg, PROGRESS_BYTES, NULL, bytes);
}

static const char *how_text(enum copy_how how)
{
	static const char *const texts[] = {
		[COPY_SENT] = "done", [COPY_EXISTED] = "exists", [COPY_MOUNTED] = "mounted"
	};

	return texts[how];
}

static enum copy_how how_of(const struct transport_upload *up)
{
	static const enum copy_how hows[] = {
		[UPLOAD_SENT] = COPY_SENT, [UPLOAD_EXISTED] = COPY_EXISTED, [UPLOAD_MOUNTED] = COPY_MOUNTED
	};

	return hows[up->ret_how];
}

static void tell_left_out(struct moving *m)
{
	const struct descriptor *d = m->descriptor;

	if (d->urls.count)
		op_note(m->op, "%.19s stays at its URL, its place has no copy of it",
			d->digest_text);
	else
		op_note(m->op, "%.19s (%s) is left out, its place lacks it", d->digest_text,
			TEXT_ESCAPED(d->media_type));
	report(m, PROGRESS_END, "left out", 0);
}

int copy_one_blob(struct copy *c, struct op *op, const struct copy_blob *blob,
		  enum copy_how *ret_how, struct err *err)
{
	struct moving m = {
		.copy = c, .descriptor = &blob->descriptor, .op = op, .item = op_item()
	};
	struct transport_upload up = {
		.descriptor = &blob->descriptor,
		.open = open_at,
		.arg = &m,
		.mount_from = c->req->mount_from,
		.moved = moved,
	};
	struct err why = { 0 };

	report(&m, PROGRESS_BEGIN, "waiting", 0);
	const int rc = transport_put_blob(c->req->to, op, &up, &why);

	if (rc >= 0) {
		*ret_how = how_of(&up);
		report(&m, PROGRESS_END, how_text(*ret_how),
		       *ret_how == COPY_SENT ? blob->descriptor.size : 0);
		return 0;
	}
	if (m.is_missing && blob->may_lack) {
		*ret_how = COPY_LEFT_OUT;
		tell_left_out(&m);
		return 0;
	}
	report(&m, PROGRESS_END, "failed", 0);
	err_prefix(&why, "%.19s", blob->descriptor.digest_text);
	err_keep_first(err, &why);
	return rc;
}
