/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP client share: the client with its lanes, a response under way, its
 * headers.
 */
#ifndef IMG_NET_HTTP_PRIV_H
#define IMG_NET_HTTP_PRIV_H

#include "base/mem.h"
#include "net/curl_dl.h"
#include "net/http.h"
#include "net/url.h"

#include <pthread.h>

/*
 * A body is copied into one buffer a lane. libcurl reads HTTP_READ_BYTES at once and hands on 16
 * KiB at a time, so a plain connection never fills it; one that does (TLS, HTTP/2) is paused and
 * keeps at most one read back.
 */
#define HTTP_BODY_BYTES	 ((size_t)128 << 10)
#define HTTP_READ_BYTES	 ((size_t)64 << 10)
#define HTTP_HEADERS_MAX 1000 /* headers of one response */
/* Of a body in the time after which silence has an end; that time for all of the headers. */
#define HTTP_WINDOW_BYTES 1024
#define HTTP_ANSWER_IDLES 5
#define LANE_ORIGINS	  4 /* connections that a lane keeps */
#define LANES_IDLE_MAX	  16
#define HTTP_POLL_MS	  100 /* how late a cancelled operation may be noticed */

/* A handle with its own connections: used by one request at a time, kept for the next. */
struct lane {
	struct lane *next;
	CURL *easy;
	CURLM *multi;
	uint8_t *body;			  /* HTTP_BODY_BYTES, or NULL until a body comes */
	char *origins[LANE_ORIGINS];	  /* where its connections probably go, latest first */
	char error_text[CURL_ERROR_SIZE]; /* libcurl's own words on the last failure */
};

/* The roots to verify a host with, as a file that libcurl can open by path. */
struct roots {
	struct roots *next;
	char *ca_dir; /* key; "" for none */
	int fd;
	char path[32]; /* "/proc/self/fd/N" */
};

struct http_client {
	struct http_config config; /* constant; user_agent is owned */
	pthread_mutex_t lock;	   /* guards what follows; `curl` is constant once loaded */
	bool is_loaded;
	struct curl_dl curl;
	struct lane *idle; /* latest first */
	unsigned idle_count;
	struct roots *roots;
};

struct http_headers {
	struct http_header *items; /* names and values are owned */
	size_t count;
	uint64_t bytes; /* seen so far, all of a response */
};
void http_headers_fini(struct http_headers *h);
/* Forgets the items, not the bytes: a 1xx answer was not the last. */
void http_headers_reset(struct http_headers *h);
/* Adds the line "Name: value\r\n". ERR_LIMIT beyond HTTP_HEADERS_MAX, ERR_DAMAGED for a NUL. */
int http_headers_add(struct http_headers *h, const char *line, size_t len, struct err *err);

/* The rest of the body that is being sent. */
struct upload {
	const uint8_t *data;   /* what is at hand */
	size_t have;	       /* bytes of it */
	uint64_t left;	       /* bytes of the body not handed to libcurl yet */
	uint64_t total;	       /* bytes of the body */
	const void *start;     /* the body in memory, to begin again; NULL for a source */
	struct source *source; /* where more comes from, or NULL */
};

struct http_response {
	struct source source; /* the body */
	struct http_client *client;
	struct lane *lane;
	struct op *op;
	char *where; /* "host:port" for messages */
	char *url;
	struct curl_slist *request_headers;
	bool is_added; /* to the lane's multi handle */
	struct upload upload;
	struct source *owned_body; /* the upload's source, once there are headers */
	bool is_https;
	bool wants_fresh; /* a connection of its own */

	unsigned status;
	struct http_headers headers;
	bool headers_done;
	size_t have;   /* bytes in lane->body */
	bool is_given; /* they were handed to the consumer */
	bool is_paused;
	bool is_done; /* libcurl is through; `result` says how */
	CURLcode result;
	struct err failed;    /* why a callback of ours stopped the transfer */
	uint64_t active_ms;   /* when the last byte came or went */
	uint64_t deadline_ms; /* 0: none */
	/* How fast the body comes: what was waited for of it, and how long. */
	uint64_t window_bytes, window_ms;
};

/*
 * A lane that probably has a connection to `origin`, or another. Gives it back with lane_release.
 */
int lane_acquire(struct http_client *client, const char *origin, struct lane **ret,
		 struct err *err);
void lane_release(struct http_client *client, struct lane *lane);

/* libcurl's callbacks; `arg` is the response. */
size_t http_on_header(char *line, size_t one, size_t len, void *arg);
size_t http_on_body(char *data, size_t one, size_t len, void *arg);
size_t http_on_upload(char *dst, size_t one, size_t room, void *arg);
int http_on_rewind(void *arg, curl_off_t offset, int origin);

/* Sets all options of the lane's handle for this request. */
int http_setup(struct http_response *res, const struct http_request *req, const struct url *url,
	       struct err *err);

/*
 * Finds the roots for a host. *ret_path (borrowed from the client) is NULL when libcurl's own are
 * the right ones: no ca_dir, nothing in the environment.
 */
int http_roots(struct http_client *client, const char *ca_dir, const char **ret_path,
	       struct err *err);
void http_roots_free(struct roots *roots);

/* Turns libcurl's result into an error of ours. */
int http_error(const struct http_response *res, CURLcode code, struct err *err);

/* Milliseconds of a clock that only goes forward. */
uint64_t http_now_ms(void);

#endif
