/* SPDX-License-Identifier: Apache-2.0 */
/* A blob that goes into a scripted registry, and what was asked of it and of the blob's source. */
#ifndef TESTS_UNIT_REGISTRY_PUSHING_H
#define TESTS_UNIT_REGISTRY_PUSHING_H

#include "tests/unit/registry/asking.h"

#define EMPTY	 "Content-Length: 0\r\n\r\n"
#define ABSENT	 "HTTP/1.1 404 X\r\n" EMPTY
#define CREATED	 "HTTP/1.1 201 X\r\n" EMPTY
#define PLACE	 "/v2/ns/repo/blobs/uploads/"
#define BEGUN(p) "HTTP/1.1 202 X\r\nLocation: " p "\r\n" EMPTY
/* An answer about a session: where it goes on, how far it has got. */
#define GOT(status, p, range) \
	"HTTP/1.1 " status " X\r\nLocation: " p "\r\nRange: " range "\r\n" EMPTY

/* How the source of the blob behaves. */
enum source_kind {
	SOURCE_GOOD,
	SOURCE_SHORT,  /* a byte too few */
	SOURCE_LONG,   /* a byte too many */
	SOURCE_LIES,   /* all bytes, and at the end an error */
	SOURCE_BREAKS, /* an error in the middle, of a kind that may pass */
	SOURCE_SHUT,   /* can't be opened */
};

struct pushing {
	struct asking a;
	uint8_t *content; /* `size` bytes of server_byte */
	struct descriptor d;
	struct transport_upload upload;
	enum source_kind source;
	uint64_t opened[16]; /* where the source was opened */
	size_t opened_count;
	uint64_t moved; /* the last that was said */
};

/* Two retries, a millisecond between them. */
void pushing_init(struct pushing *p, size_t size, const struct server_step *steps, size_t count);
void pushing_fini(struct pushing *p);
#define _pushing_ __attribute__((cleanup(pushing_fini)))

/* transport_put_blob; the error is in p->a.err. */
int pushing_put(struct pushing *p);
/*
 * All requests so far, a line each: "METHOD PATH", with " RANGE" when there is a Content-Range, and
 * " +BYTES" for a body. The digest of the blob is written as D. Free with free().
 */
char *pushing_log(struct pushing *p);
/* 1 when the log is that; else prints both. */
int pushing_asked(struct pushing *p, const char *row, const char *want);

#endif
