/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs into a registry (distribution-spec "Pushing blobs"): asked for first, then mounted from
 * another repository, else uploaded: in one PUT, or in PATCHes where the registry sets their size,
 * refused one large body, or has part of it already. What breaks off goes on where the registry
 * says that it has got to, or begins anew where it forgot; as often as the retries allow without
 * progress, so a registry that leads us in circles is left.
 */
#include "base/mem.h"
#include "base/text.h"
#include "registry/client_upload.h"

/* Fewer new bytes than this and a try counts as one without progress. */
#define PROGRESS_BYTES_MIN ((uint64_t)256 << 10)
/* Times that a registry may contradict itself without progress, and sessions it may forget. */
#define CONFLICTS_MAX 3
#define RENEWALS_MAX  4
/* Smaller parts of a blob are not worth a try. */
#define ROOM_BYTES_MIN ((uint64_t)1 << 20)

/* --- asking ---------------------------------------------------------------------------------- */

/* HEAD: 1 when the blob is there, 0 when not (or of another size). */
static int ask_for(struct registry *r, struct op *op, const struct descriptor *d, const char *scope,
		   struct err *err)
{
	char *_free_ path = xasprintf("/v2/%s/blobs/%s", r->name, DIGEST_TEXT(&d->digest));
	struct fetch_request req = registry_request(r, "HEAD", path);
	struct http_response *_response_ res = NULL;
	struct err why = { 0 };

	req.scope = scope;
	if (fetch_send(r->fetch, op, &req, &res, &why) >= 0) {
		const int64_t length = http_response_length(res);

		return http_response_status(res) == 200 &&
		       (length < 0 || (uint64_t)length == d->size);
	}
	if (why.kind == ERR_NOT_FOUND || why.kind == ERR_UNSUPPORTED)
		return 0;
	err_keep_first(err, &why);
	return -why.errnum;
}

int registry_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
		      struct err *err)
{
	struct registry *r = container_of(t, struct registry, base);
	struct err why = { 0 };

	TRY(descriptor_need_digest(d, err));
	int rc = ask_for(r, op, d, r->push_scope, &why);

	/* Token servers exist that give nothing to those who ask for more than they may have. */
	if (rc < 0 && (why.kind == ERR_AUTH || why.kind == ERR_DENIED)) {
		err_clear(&why);
		rc = ask_for(r, op, d, r->scope, &why);
	}
	if (rc >= 0)
		return rc;
	err_keep_first(err, &why);
	return err_prefix(err, "blob %s", DIGEST_TEXT(&d->digest));
}

/* --- sending --------------------------------------------------------------------------------- */

struct sending {
	struct upload_session session;
	struct upload_body body;
	const struct descriptor *d;
	struct backoff backoff;
	uint64_t at;	/* bytes that the registry has */
	uint64_t mark;	/* where the last progress was made */
	uint64_t chunk; /* bytes of a PATCH; 0: everything at once */
	uint64_t room;	/* what the registry takes at once; 0: anything, so far */
	unsigned conflicts, renewals;
	bool is_last; /* the request under way ends the upload */
};

static void sending_fini(struct sending *s)
{
	upload_body_fini(&s->body);
	upload_session_fini(&s->session);
}

/* A registry that sets how small a chunk may be is made for chunks. */
static void set_chunk(struct sending *s)
{
	const uint64_t min = s->session.chunk_min;

	s->chunk = s->room;
	if (!s->chunk && min)
		s->chunk = UPLOAD_CHUNK_BYTES;
	if (s->chunk < min)
		s->chunk = min;
	if (s->chunk >= s->d->size)
		s->chunk = 0;
}

static int begin(struct sending *s, struct err *err)
{
	s->at = 0;
	TRY(upload_session_begin(&s->session, err));
	set_chunk(s);
	return 0;
}

static int patch(struct sending *s, struct err *err)
{
	const uint64_t rest = s->d->size - s->at;
	struct upload_portion portion = {
		.body = &s->body,
		.offset = s->at,
		.bytes = s->chunk && s->chunk < rest ? s->chunk : rest,
	};

	return upload_session_patch(&s->session, &portion, &s->at, err);
}

static int finish(struct sending *s, struct err *err)
{
	struct upload_portion portion = {
		.body = &s->body,
		.offset = s->at,
		.bytes = s->d->size - s->at,
	};

	s->is_last = true;
	return upload_session_finish(&s->session, &s->d->digest, &portion, err);
}

/* One request. 1 when the blob is there, 0 when there is more to do. */
static int advance(struct sending *s, struct err *err)
{
	s->is_last = false;
	if (!s->session.location)
		return begin(s, err);
	if (s->at < s->d->size && (s->at || s->chunk))
		return patch(s, err);
	TRY(finish(s, err));
	return 1;
}

/* --- when it goes wrong ---------------------------------------------------------------------- */

static void note_progress(struct sending *s)
{
	if (s->at < s->mark + PROGRESS_BYTES_MIN)
		return;
	s->mark = s->at;
	s->conflicts = 0;
	backoff_reset(&s->backoff);
}

static int fail(const struct err *why, struct err *err)
{
	err_keep_first(err, why);
	return -why->errnum;
}

/* Leaves the session, which the registry has forgotten or which is of no use. */
static int renew(struct sending *s, bool is_gone, const struct err *why, struct err *err)
{
	if (s->renewals++ == RENEWALS_MAX)
		return fail(why, err);
	if (is_gone)
		upload_session_forget(&s->session);
	else
		upload_session_give_up(&s->session);
	s->at = 0;
	return 0;
}

/* Goes on where the registry has got to; anew where it can't say. */
static int resume(struct sending *s, const struct err *why, struct err *err)
{
	struct err trouble = { 0 };
	uint64_t at;
	const int rc = upload_session_ask(&s->session, &at, &trouble);

	if (rc >= 0 && at > s->d->size)
		return err_set(err, ERR_DAMAGED,
			       "the registry has got %" PRIu64 " bytes of %" PRIu64, at,
			       s->d->size);
	if (rc >= 0 && at) {
		s->at = at;
		return 0;
	}
	if (rc >= 0)
		return renew(s, false, why, err);
	switch (trouble.kind) {
	case ERR_NOT_FOUND:
		return renew(s, true, why, err);
	case ERR_CANCELLED:
	case ERR_AUTH:
	case ERR_DENIED:
	case ERR_NETWORK:
	case ERR_TIMEOUT:
		return fail(&trouble, err);
	default:
		return renew(s, false, why, err);
	}
}

static bool is_there(struct sending *s)
{
	return ask_for(s->session.r, s->session.op, s->d, s->session.r->push_scope, NULL) == 1;
}

/* 413, mostly of a proxy in front of the registry: smaller parts may get through. */
static bool can_be_smaller(struct sending *s)
{
	const uint64_t sent = s->chunk ? s->chunk : s->d->size;
	uint64_t room = UPLOAD_CHUNK_BYTES;

	if (s->session.refusal.status != 413)
		return false;
	while (room >= sent)
		room /= 4;
	if (room < ROOM_BYTES_MIN || room < s->session.chunk_min)
		return false;
	s->room = room;
	return true;
}

/* After a request that failed: 1 when the blob is there all the same, 0 to go on. */
static int recover(struct sending *s, const struct err *why, struct err *err)
{
	const struct fetch_refusal *refusal = &s->session.refusal;
	const bool is_gone = why->kind == ERR_NOT_FOUND;
	int rc;

	if (s->body.has_failed || !s->session.location || why->kind == ERR_CANCELLED)
		return fail(why, err);
	note_progress(s);
	if (can_be_smaller(s))
		return renew(s, false, why, err);
	if (why->kind == ERR_CHANGED)
		return s->conflicts++ < CONFLICTS_MAX ? resume(s, why, err) : fail(why, err);
	if (!is_gone && !refusal->may_pass)
		return fail(why, err);
	if (!is_gone) {
		rc = backoff_wait(&s->backoff, s->session.op, why, refusal->asked_ms, err);
		if (rc <= 0)
			return rc < 0 ? rc : fail(why, err);
	}
	/* The answer to the last request may be all that was lost. */
	if (s->is_last && is_there(s))
		return 1;
	return is_gone ? renew(s, true, why, err) : resume(s, why, err);
}

static int send_all(struct sending *s, struct err *err)
{
	for (;;) {
		struct err why = { 0 };
		int rc = advance(s, &why);

		if (rc < 0)
			rc = recover(s, &why, err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
}

/* --- a blob ---------------------------------------------------------------------------------- */

/* A name that may stand in a scope. */
static bool is_mountable(const struct registry *r, const char *from)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";

	return from && *from && from[strspn(from, chars)] == '\0' && strcmp(from, r->name) != 0;
}

/* Should the registry hear that the session is given up? Not when it does not answer. */
static bool is_worth_a_word(const struct sending *s, const struct err *why)
{
	const bool is_mute = why->kind == ERR_NETWORK || why->kind == ERR_TIMEOUT;

	return why->kind != ERR_CANCELLED && (!is_mute || s->body.has_failed);
}

/* `err` is not NULL. */
static int upload(struct sending *s, struct transport_upload *upload, struct err *err)
{
	struct registry *r = s->session.r;
	int rc = 0;

	if (is_mountable(r, upload->mount_from)) {
		TRY(rc = upload_session_mount(&s->session, upload, err));
		set_chunk(s);
	}
	upload->ret_how = rc ? UPLOAD_MOUNTED : UPLOAD_SENT;
	if (rc)
		return 0;
	rc = send_all(s, err);
	if (rc < 0 && is_worth_a_word(s, err))
		upload_session_give_up(&s->session);
	return rc;
}

static int put(struct registry *r, struct op *op, struct transport_upload *up, struct err *err)
{
	struct sending _cleanup_(sending_fini) s = {
		.session = { .r = r, .op = op },
		.d = up->descriptor,
	};
	const int there = ask_for(r, op, up->descriptor, r->push_scope, err);

	if (there) {
		up->ret_how = UPLOAD_EXISTED;
		return there < 0 ? there : 0;
	}
	upload_body_init(&s.body, op, up);
	fetch_backoff(r->fetch, &s.backoff);
	return upload(&s, up, err);
}

int registry_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		      struct err *err)
{
	struct registry *r = container_of(t, struct registry, base);

	struct err why = { 0 };

	TRY(descriptor_need_digest(upload->descriptor, err));
	if (put(r, op, upload, &why) >= 0)
		return 0;
	err_keep_first(err, &why);
	return err_prefix(err, "blob %s", DIGEST_TEXT(&upload->descriptor->digest));
}
