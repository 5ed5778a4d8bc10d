/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer made of the changes of a writable root, and the image that has it on top. One pass: the
 * tar is made once and goes at the same time to the DiffID, the layer's files in the store, and
 * through the compressor to the blob. Deterministic: the same upper folder gives the same bytes,
 * whatever the order of its folders on disk, umask, time zone or number of threads.
 */
#ifndef IMG_PUSH_COMMIT_H
#define IMG_PUSH_COMMIT_H

#include "base/op.h"
#include "layers/changes.h"
#include "manifest/reference.h"
#include "store/store.h"
#include "stream/compress.h"
#include "sys/mount.h"

/* What to commit; all borrowed. */
struct commit_request {
	struct store *store;
	int upper_fd;
	struct lower *lower;
	bool is_userxattr;		  /* of changes_request */
	struct digest base;		  /* the image manifest below, in the store */
	const struct reference *ref;	  /* the new name */
	const struct id_map *uids, *gids; /* NULL: as they are; else outside ids go back in */
	enum codec codec;		  /* CODEC_GZIP or CODEC_ZSTD, or CODEC_PLAIN */
	int level;			  /* 0: default */
	unsigned threads;
	/* Times later than this become this, and "created" is it (SOURCE_DATE_EPOCH); -1: none. */
	int64_t source_date_epoch;
	const char *author, *comment, *created_by; /* history; NULL: none */
	/*
	 * Changes of the config in Dockerfile form, as docker commit --change has them: CMD,
	 * ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR.
	 */
	const char *const *changes;
	size_t change_count;
};
struct commit_result {
	struct digest manifest, config, diff_id, blob;
	uint64_t entries, tar_bytes, blob_bytes;
	bool is_empty; /* nothing had changed: no layer was added */
};
/*
 * Makes layer, config, manifest, and last the name. Docker documents stay docker, OCI stay OCI;
 * fields of the base's config that nobody here knows are kept. A failure leaves nothing but
 * unreferenced blobs.
 */
int commit_image(struct op *op, const struct commit_request *request, struct commit_result *ret,
		 struct err *err);

#endif
