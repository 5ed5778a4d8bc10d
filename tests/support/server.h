/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted server on 127.0.0.1: each request gets the next step of a list, byte for byte, so that
 * every lie a server can tell is one row of a table. One thread a connection; all of them are
 * joined by server_stop.
 */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <stddef.h>
#include <stdint.h>

enum server_end {
	SERVER_KEEP,  /* the next request comes on the same connection, or on another */
	SERVER_CLOSE, /* orderly */
	SERVER_RESET, /* RST */
	SERVER_STALL, /* nothing more comes, until server_stop */
};

struct server_step {
	const char *text;    /* sent first, as it is; NULL for nothing */
	uint64_t fill_from;  /* then bytes of server_byte(offset), from this offset on */
	uint64_t fill_bytes; /* so many */
	const char *flood;   /* then this again and again, until the client has gone; or NULL */
	int pause_ms;	     /* between them */
	enum server_end end; /* then this */
	int at_once;	     /* without waiting for a request */
};

struct server;
/*
 * Starts it; the steps are borrowed, the last one serves for all further requests. Aborts when
 * there is no socket to be had.
 */
struct server *server_start(const struct server_step *steps, size_t count);
/* NULL is fine. */
void server_stop(struct server *s);
static inline void server_stop_p(struct server **s)
{
	server_stop(*s);
}
#define _server_ __attribute__((cleanup(server_stop_p)))

unsigned server_port(const struct server *s);
/* "127.0.0.1:PORT", borrowed. */
const char *server_host(const struct server *s);
/* "http://127.0.0.1:PORT" + path; free with free(). */
char *server_url(const struct server *s, const char *path);
/* Requests seen so far, and connections taken. */
size_t server_request_count(struct server *s);
size_t server_connection_count(struct server *s);
/*
 * The head and body of the n-th request, terminated; "" when there was none. Borrowed until
 * server_stop.
 */
const char *server_request(struct server *s, size_t n);

/* The byte at an offset of the endless content that steps are filled with. */
static inline uint8_t server_byte(uint64_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 17 + (offset >> 16));
}

#endif
