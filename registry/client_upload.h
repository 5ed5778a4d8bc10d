/* SPDX-License-Identifier: Apache-2.0 */
/* One blob on its way into a registry. Inside registry/client*.c. */
#ifndef IMG_REGISTRY_CLIENT_UPLOAD_H
#define IMG_REGISTRY_CLIENT_UPLOAD_H

#include "net/backoff.h"
#include "registry/client_priv.h"

/* What a PATCH holds where a blob goes in chunks and the registry does not want larger ones. */
#define UPLOAD_CHUNK_BYTES ((uint64_t)16 << 20)

/* --- the bytes (client_upload_body.c) --- */

/* A blob's bytes, given to requests portion by portion, from wherever the registry wants them. */
struct upload_body {
	struct transport_upload *upload;
	struct op *op;
	struct source *from; /* NULL: not open */
	uint64_t at;	     /* where what comes next belongs */
	const uint8_t *data; /* of from's last piece, not given yet */
	size_t have;
	uint8_t last;	 /* the blob's last byte, kept until the source has ended well */
	bool has_failed; /* the source did; another try would not be the registry's fault */
};
void upload_body_init(struct upload_body *b, struct op *op, struct transport_upload *upload);
void upload_body_fini(struct upload_body *b);
/* So many bytes from an offset on, as a source. The body outlives it; one at a time. */
struct upload_portion {
	struct upload_body *body;
	uint64_t offset, bytes;
};
/* fetch_stream's open; `arg` is the portion. */
int upload_portion_open(void *arg, struct source **ret, struct err *err);

/* --- the session (client_upload.c) --- */

/*
 * An upload session of the registry (distribution-spec "Pushing blobs"). Where it is is the
 * registry's word: followed by the rules of net/fetch.h, so credentials stay at home.
 */
struct upload_session {
	struct registry *r;
	struct op *op;
	char *location; /* absolute; NULL: no session is open */
	uint64_t chunk_min;
	struct fetch_refusal refusal; /* of the last request that failed */
};
void upload_session_fini(struct upload_session *s);
/* POST. */
int upload_session_begin(struct upload_session *s, struct err *err);
/*
 * POST that asks to take the blob from another repository: 1 when that is done; 0 when it is not,
 * with a session open or without.
 */
int upload_session_mount(struct upload_session *s, const struct transport_upload *upload,
			 struct err *err);
/*
 * PATCH; not retried here. *ret_at is where the registry has got to. ERR_CHANGED when it does not want bytes from
 * there on: ask it.
 */
int upload_session_patch(struct upload_session *s, struct upload_portion *portion, uint64_t *ret_at,
			 struct err *err);
/* PUT, not retried here, with the bytes of the portion (or none). ERR_CHANGED as above. */
int upload_session_finish(struct upload_session *s, const struct digest *digest,
			  struct upload_portion *portion, struct err *err);
/* GET: where the registry has got to. */
int upload_session_ask(struct upload_session *s, uint64_t *ret_at, struct err *err);
/* DELETE, as far as it helps, and forgets the session. */
void upload_session_give_up(struct upload_session *s);
/* Forgets a session that the registry has forgotten. */
void upload_session_forget(struct upload_session *s);

/* ERR_DAMAGED for 416 to what had no range (net/fetch.h gives it as an answer). */
int registry_check_status(const struct http_response *res, struct err *err);
/* ERR_DAMAGED when the answer names another digest of the same algorithm. */
int registry_check_said(const struct http_response *res, const struct digest *want,
			struct err *err);

#endif
