/* SPDX-License-Identifier: Apache-2.0 */
/* The blob, its source in pieces, the log. */
#include "tests/unit/registry/pushing.h"

#include "stream/hash.h"

#include <CUnit/CUnit.h>

#define PIECE_BYTES 70000

struct pieces {
	struct source base;
	const struct pushing *p;
	uint64_t at;
	uint8_t piece[PIECE_BYTES]; /* a copy, overwritten by the next: nobody may hold on to it */
};

static ssize_t pieces_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct pieces *s = container_of(src, struct pieces, base);
	const uint64_t size = s->p->d.size;
	const enum source_kind kind = s->p->source;
	const uint64_t end = size + (kind == SOURCE_LONG) - (kind == SOURCE_SHORT);
	const uint64_t n = end - s->at < PIECE_BYTES ? end - s->at : PIECE_BYTES;

	memset(s->piece, 'x', sizeof(s->piece));
	if (kind == SOURCE_BREAKS && s->at >= size / 2)
		return err_set(err, ERR_NETWORK, "the other registry went away");
	if (!n && kind == SOURCE_LIES)
		return err_set(err, ERR_DAMAGED, "the blob is not what it should be");
	for (uint64_t i = 0; i < n; i++)
		s->piece[i] = server_byte(s->at + i);
	s->at += n;
	*ret = s->piece;
	return (ssize_t)n;
}

static void pieces_close(struct source *src)
{
	free(container_of(src, struct pieces, base));
}

static int open_pieces(void *arg, struct op *op, uint64_t offset, struct source **ret,
		       struct err *err)
{
	static const struct source_ops ops = { .next = pieces_next, .close = pieces_close };
	struct pushing *p = arg;

	CU_ASSERT_PTR_EQUAL(op, &p->a.op);
	if (p->opened_count < ARRAY_SIZE(p->opened))
		p->opened[p->opened_count++] = offset;
	if (p->source == SOURCE_SHUT)
		return err_set(err, ERR_TIMEOUT, "no source today");
	struct pieces *s = NEW(struct pieces);

	s->base.ops = &ops;
	s->p = p;
	s->at = offset;
	*ret = &s->base;
	return 0;
}

static void note_moved(void *arg, uint64_t bytes)
{
	((struct pushing *)arg)->moved = bytes;
}

void pushing_init(struct pushing *p, size_t size, const struct server_step *steps, size_t count)
{
	const struct fetch_config config = {
		.plain_http = true, .tls_verify = true, .retries = 2, .backoff_ms = 1
	};
	struct digest digest;

	*p = (struct pushing){ .content = xcalloc(size + 1, 1) };
	for (size_t i = 0; i < size; i++)
		p->content[i] = server_byte(i);
	hash_bytes(DIGEST_SHA256, p->content, size, &digest);
	descriptor_init(&p->d, MEDIA_TYPE_OCI_LAYER, &digest, size);
	p->upload = (struct transport_upload){
		.descriptor = &p->d, .open = open_pieces, .arg = p, .moved = note_moved
	};
	asking_init_with(&p->a, steps, count, &config);
}

void pushing_fini(struct pushing *p)
{
	asking_fini(&p->a);
	descriptor_fini(&p->d);
	free(p->content);
}

int pushing_put(struct pushing *p)
{
	err_clear(&p->a.err);
	return transport_put_blob(p->a.t, &p->a.op, &p->upload, &p->a.err);
}

/* The value of a header, or "". */
static char *header_of(const char *request, const char *name)
{
	char *_free_ start = xasprintf("\r\n%s: ", name);
	const char *at = strcasestr(request, start), *end = strstr(request, "\r\n\r\n");

	if (!at || (end && at > end))
		return xstrdup("");
	at += strlen(start);
	return xmemdupz(at, strcspn(at, "\r\n"));
}

/* The line with the digest (and its escaped form) as D. */
static void add_line(struct buf *out, const char *line, const char *digest)
{
	char *_free_ escaped = xasprintf("sha256%%3A%s", digest + strlen("sha256:"));
	const char *const forms[] = { digest, escaped };

	while (*line) {
		size_t skip = 0;

		for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
			if (!strncmp(line, forms[i], strlen(forms[i])))
				skip = strlen(forms[i]);
		(void)buf_append_char(out, skip ? 'D' : *line, NULL);
		line += skip ? skip : 1;
	}
}

char *pushing_log(struct pushing *p)
{
	struct buf _buf_ out = BUF_INIT(1 << 20);

	for (size_t i = 0; i < server_request_count(p->a.server); i++) {
		const char *request = server_request(p->a.server, i);
		char *_free_ range = header_of(request, "Content-Range");
		char *_free_ length = header_of(request, "Content-Length");
		char line[512];

		add_line(&out, asking_line(&p->a, i, line, sizeof(line)), p->d.digest_text);
		if (*range)
			(void)buf_printf(&out, NULL, " %s", range);
		if (*length && strcmp(length, "0") != 0)
			(void)buf_printf(&out, NULL, " +%s", length);
		(void)buf_append_char(&out, '\n', NULL);
	}
	return buf_take(&out);
}

int pushing_asked(struct pushing *p, const char *row, const char *want)
{
	char *_free_ log = pushing_log(p);

	if (!strcmp(log, want))
		return 1;
	printf("#   %s: asked\n%s#   wanted\n%s", row, log, want);
	return 0;
}
