/* SPDX-License-Identifier: Apache-2.0 */
/* From a verified blob to raw bytes that are bounded and hash to the DiffID. */
#include "pull/raw_layer.h"

#include "base/mem.h"
#include "pull/blob_job.h"

#include <inttypes.h>
#include <stdio.h>

/* Buffers between network and decompression: 1 MiB a layer. */
#define PREFETCH_CHUNKS 8

void blob_watch_report(struct blob_watch *w, enum progress_kind kind, const char *state)
{
	char label[32];
	const struct descriptor *d = w->descriptor;

	snprintf(label, sizeof(label), "%.12s", DIGEST_HEX(&d->digest));
	op_report(w->op, &(struct progress_event){ .kind = kind,
						   .item = w->item,
						   .label = label,
						   .state = state,
						   .bytes = w->seen_bytes,
						   .total_bytes = d->size });
}

int blob_watch_count(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct blob_watch *w = arg;

	(void)data;
	TRY(op_check(w->op, err));
	w->seen_bytes += len;
	blob_watch_report(w, PROGRESS_BYTES, NULL);
	return 0;
}

void raw_layer_init(struct raw_layer *r, const struct blob_watch *watch,
		    const struct digest *diffid, unsigned max_ratio)
{
	*r = (struct raw_layer){ .watch = watch, .diffid = *diffid, .max_ratio = max_ratio };
	if (!digest_equal(diffid, &watch->descriptor->digest))
		r->hash = hash_thread_new(diffid->alg);
}

void raw_layer_fini(struct raw_layer *r)
{
	hash_thread_free(r->hash);
}

static int take(struct raw_layer *r, const uint8_t *data, size_t len, struct err *err)
{
	const struct blob_watch *w = r->watch;
	const uint64_t max = blob_raw_limit(w->descriptor->size, w->seen_bytes, r->max_ratio);

	r->bytes += len;
	if (r->bytes > max) {
		err_set(err, ERR_LIMIT,
			"layer grows beyond %" PRIu64 " bytes, far more than its blob", max);
		if (r->limit_hint)
			err_hint(err, "%s", r->limit_hint);
		return -err_class(ERR_LIMIT)->errnum;
	}
	if (r->hash)
		hash_thread_update(r->hash, data, len);
	return 0;
}

/* Compares what came out with the DiffID of the config. */
static int check_diffid(struct raw_layer *r, enum codec codec, struct err *err)
{
	r->computed = r->diffid;
	if (!r->hash && codec != CODEC_PLAIN)
		return err_set(err, ERR_DAMAGED, "DiffID %s is the digest of the compressed blob",
			       DIGEST_TEXT(&r->diffid));
	if (!r->hash)
		return 0;
	hash_thread_final(r->hash, &r->computed);
	if (!digest_equal(&r->computed, &r->diffid))
		return err_set(err, ERR_DAMAGED, "raw bytes hash to %s, the config's DiffID is %s",
			       DIGEST_TEXT(&r->computed), DIGEST_TEXT(&r->diffid));
	return 0;
}

int raw_layer_read(struct raw_layer *r, struct source *blob, const struct raw_layer_to *to,
		   struct err *err)
{
	enum codec codec = CODEC_PLAIN;
	const uint8_t *data;
	ssize_t n;
	_source_ struct source *raw = source_prefetch(
		source_decompress(source_prefetch(blob, PREFETCH_CHUNKS), &codec), PREFETCH_CHUNKS);

	while ((n = source_next(raw, &data, err)) > 0) {
		TRY(op_check(r->watch->op, err));
		TRY(take(r, data, (size_t)n, err));
		TRY(to->fn(to->arg, data, (size_t)n, err));
	}
	TRY(n);
	return check_diffid(r, codec, err);
}
