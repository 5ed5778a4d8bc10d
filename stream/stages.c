/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages without threads or copies: concat, limit, verify, tee, op. Bytes are passed on as they
 * came; a stage only looks at them.
 */
#include "stream/source.h"

#include "base/mem.h"
#include "stream/hash.h"

/* --- concat --------------------------------------------------------------------------------- */

struct concat {
	struct source base;
	struct source *parts[2]; /* owned; NULL once read to its end */
};

static ssize_t concat_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct concat *c = (struct concat *)src;

	for (size_t i = 0; i < ARRAY_SIZE(c->parts); i++) {
		if (!c->parts[i])
			continue;
		const ssize_t n = source_next(c->parts[i], ret, err);

		if (n != 0)
			return n;
		source_close(TAKE_PTR(c->parts[i]));
	}
	return 0;
}

static void concat_close(struct source *src)
{
	struct concat *c = (struct concat *)src;

	source_close(c->parts[0]);
	source_close(c->parts[1]);
	free(c);
}

struct source *source_concat(struct source *a, struct source *b)
{
	static const struct source_ops ops = { .next = concat_next, .close = concat_close };
	struct concat *c = NEW(struct concat);

	c->base.ops = &ops;
	c->parts[0] = a;
	c->parts[1] = b;
	return &c->base;
}

/* --- limit ---------------------------------------------------------------------------------- */

struct limit {
	struct source base;
	struct source *from;
	uint64_t max, left;
	char *what;
};

static ssize_t limit_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct limit *l = (struct limit *)src;
	const ssize_t n = source_next(l->from, ret, err);

	if (n > 0 && (uint64_t)n > l->left)
		return err_set(err, ERR_LIMIT, "%s: more than %" PRIu64 " bytes", l->what, l->max);
	if (n > 0)
		l->left -= (uint64_t)n;
	return n;
}

static void limit_close(struct source *src)
{
	struct limit *l = (struct limit *)src;

	source_close(l->from);
	free(l->what);
	free(l);
}

struct source *source_limit(struct source *from, uint64_t max_bytes, const char *what)
{
	static const struct source_ops ops = { .next = limit_next, .close = limit_close };
	struct limit *l = NEW(struct limit);

	l->base.ops = &ops;
	l->from = from;
	l->max = l->left = max_bytes;
	l->what = xstrdup(what);
	return &l->base;
}

/* --- verify --------------------------------------------------------------------------------- */

struct verify {
	struct source base;
	struct source *from;
	struct digest expected;
	uint64_t size; /* UINT64_MAX: any */
	uint64_t seen;
	struct hash *hash; /* NULL after the end */
	char *what;
};

static int verify_end(struct verify *v, struct err *err)
{
	struct digest found;

	if (v->size != UINT64_MAX && v->seen != v->size)
		return err_set(err, ERR_DAMAGED,
			       "%s: expected %" PRIu64 " bytes, found only %" PRIu64, v->what,
			       v->size, v->seen);
	if (!v->hash)
		return 0;
	hash_final(v->hash, &found);
	hash_free(TAKE_PTR(v->hash));
	if (!digest_equal(&found, &v->expected))
		return err_set(err, ERR_DAMAGED, "%s: expected digest %s, found %s", v->what,
			       DIGEST_TEXT(&v->expected), DIGEST_TEXT(&found));
	return 0;
}

static ssize_t verify_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct verify *v = (struct verify *)src;
	const ssize_t n = source_next(v->from, ret, err);

	if (n < 0)
		return n;
	if (n == 0)
		return verify_end(v, err);
	if ((uint64_t)n > v->size - v->seen)
		return err_set(err, ERR_DAMAGED, "%s: more than the expected %" PRIu64 " bytes",
			       v->what, v->size);
	v->seen += (uint64_t)n;
	if (v->hash)
		hash_update(v->hash, *ret, (size_t)n);
	return n;
}

static void verify_close(struct source *src)
{
	struct verify *v = (struct verify *)src;

	source_close(v->from);
	hash_free(v->hash);
	free(v->what);
	free(v);
}

struct source *source_verify(struct source *from, const struct digest *expected,
			     uint64_t size_bytes, const char *what)
{
	static const struct source_ops ops = { .next = verify_next, .close = verify_close };
	struct verify *v = NEW(struct verify);

	v->base.ops = &ops;
	v->from = from;
	if (expected && expected->alg != DIGEST_NONE) {
		v->expected = *expected;
		v->hash = hash_new(expected->alg);
	}
	v->size = size_bytes;
	v->what = xstrdup(what);
	return &v->base;
}

/* --- tee ------------------------------------------------------------------------------------ */

struct tee {
	struct source base;
	struct source *from;
	source_tee_fn *fn;
	void *arg;
};

static ssize_t tee_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct tee *t = (struct tee *)src;
	const ssize_t n = source_next(t->from, ret, err);

	if (n > 0)
		TRY(t->fn(t->arg, *ret, (size_t)n, err));
	return n;
}

static void tee_close(struct source *src)
{
	struct tee *t = (struct tee *)src;

	source_close(t->from);
	free(t);
}

struct source *source_tee(struct source *from, source_tee_fn *fn, void *arg)
{
	static const struct source_ops ops = { .next = tee_next, .close = tee_close };
	struct tee *t = NEW(struct tee);

	t->base.ops = &ops;
	t->from = from;
	t->fn = fn;
	t->arg = arg;
	return &t->base;
}

/* --- op ------------------------------------------------------------------------------------- */

struct op_source {
	struct source base;
	struct source *from;
	struct op *op;
};

static ssize_t op_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct op_source *o = (struct op_source *)src;

	TRY(op_check(o->op, err));
	return source_next(o->from, ret, err);
}

static void op_close(struct source *src)
{
	struct op_source *o = (struct op_source *)src;

	source_close(o->from);
	free(o);
}

struct source *source_op(struct source *from, struct op *op)
{
	static const struct source_ops ops = { .next = op_next, .close = op_close };
	struct op_source *o = NEW(struct op_source);

	o->base.ops = &ops;
	o->from = from;
	o->op = op;
	return &o->base;
}
