/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transfer: pumped by whoever wants its headers or its body, so nothing runs in the background
 * and a body nobody reads holds the peer back. The peer is trusted with nothing: headers are
 * counted, the body goes through one bounded buffer, silence has an end.
 */
#include "net/http_priv.h"

#include "base/text.h"

/* Stops the transfer from a callback; the reason is in res->failed. */
static size_t stop(struct http_response *res)
{
	(void)err_prefix(&res->failed, "%s", res->where);
	return 0;
}

static int status_line(struct http_response *res, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	uint64_t status;

	http_headers_reset(&res->headers);
	if (!space || line + len - space < 4 || text_parse_u64(space + 1, 3, 10, &status) < 0 ||
	    status < 100)
		return err_set(&res->failed, ERR_DAMAGED, "the answer has no status");
	res->status = (unsigned)status;
	return 0;
}

static int header_line(struct http_response *res, const char *line, size_t len)
{
	const uint64_t max = res->client->config.header_bytes_max;

	res->headers.bytes += len;
	if (res->headers.bytes > max)
		return err_set(&res->failed, ERR_LIMIT, "the answer has more than %s of headers",
			       TEXT_SIZE(max));
	if (res->headers_done) /* trailers */
		return 0;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		return status_line(res, line, len);
	if (len && line[0] != '\r' && line[0] != '\n')
		return http_headers_add(&res->headers, line, len, &res->failed);
	res->headers_done = res->status >= 200;
	return 0;
}

size_t http_on_header(char *line, size_t one, size_t len, void *arg)
{
	struct http_response *res = arg;

	(void)one;
	res->active_ms = http_now_ms();
	return header_line(res, line, len) < 0 ? stop(res) : len;
}

size_t http_on_body(char *data, size_t one, size_t len, void *arg)
{
	struct http_response *res = arg;
	struct lane *lane = res->lane;

	(void)one;
	if (!lane->body)
		lane->body = xreallocarray(NULL, HTTP_BODY_BYTES, 1);
	if (len > HTTP_BODY_BYTES - res->have) {
		res->is_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(lane->body + res->have, data, len);
	res->have += len;
	return len;
}

/* Gets the next piece of a streamed body. */
static int refill(struct http_response *res)
{
	struct upload *up = &res->upload;
	ssize_t n = up->source ? source_next(up->source, &up->data, &res->failed) : 0;

	if (n < 0)
		return (int)n;
	if (!n || (uint64_t)n > up->left)
		return err_set(&res->failed, ERR_DAMAGED,
			       "the body to send is not of %" PRIu64 " bytes", up->total);
	up->have = (size_t)n;
	/* That a source takes its time is not the peer's silence. */
	res->active_ms = http_now_ms();
	return 0;
}

size_t http_on_upload(char *dst, size_t one, size_t room, void *arg)
{
	struct http_response *res = arg;
	struct upload *up = &res->upload;
	size_t n;

	room *= one;
	res->active_ms = http_now_ms();
	if (!up->left)
		return 0;
	if (!up->have && refill(res) < 0)
		return CURL_READFUNC_ABORT;
	n = room < up->have ? room : up->have;
	memcpy(dst, up->data, n);
	up->data += n;
	up->have -= n;
	up->left -= n;
	return n;
}

/* libcurl begins again when a kept connection turns out to be dead. */
int http_on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct upload *up = &((struct http_response *)arg)->upload;

	if (origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	if (up->left == up->total)
		return CURL_SEEKFUNC_OK;
	if (!up->start)
		return CURL_SEEKFUNC_FAIL;
	up->data = up->start;
	up->have = (size_t)up->total;
	up->left = up->total;
	return CURL_SEEKFUNC_OK;
}

/* Lets libcurl do what can be done without waiting. */
static int step(struct http_response *res, struct err *err)
{
	const struct curl_dl *curl = &res->client->curl;
	int running, queued;
	const CURLMcode code = curl->multi_perform(res->lane->multi, &running);
	const CURLMsg *msg;

	if (code != CURLM_OK)
		return err_set(err, ERR_FAILED, "%s: libcurl: %s", res->where,
			       curl->multi_strerror(code));
	while ((msg = curl->multi_info_read(res->lane->multi, &queued)))
		if (msg->msg == CURLMSG_DONE) {
			res->is_done = true;
			res->result = msg->data.result;
		}
	if (res->failed.kind == ERR_NONE)
		return 0;
	if (err)
		*err = res->failed;
	return -res->failed.errnum;
}

/* How long silence may last. Who has got a body may have to hash it before there is an answer. */
static uint64_t patience_ms(const struct http_response *res)
{
	const bool is_sent = res->upload.total && !res->upload.left && !res->headers_done;

	return (uint64_t)res->client->config.idle_timeout_ms * (is_sent ? HTTP_ANSWER_IDLES : 1);
}

static int check_clock(const struct http_response *res, struct err *err)
{
	const uint64_t idle_ms = patience_ms(res);
	const uint64_t now = http_now_ms();

	if (now >= res->active_ms + idle_ms)
		return err_set(err, ERR_TIMEOUT, "%s: nothing came for %g s", res->where,
			       (double)idle_ms / 1000.0);
	if (res->deadline_ms && !res->headers_done && now >= res->deadline_ms)
		return err_set(err, ERR_TIMEOUT, "%s: no answer in time", res->where);
	return 0;
}

/*
 * A body that comes so slowly that nobody would wait for its end is one that doesn't come. Only
 * the time that we waited for it counts: `now_ms` of this wait, and those before it in the window.
 */
static int check_rate(const struct http_response *res, uint64_t now_ms, struct err *err)
{
	const unsigned idle_ms = res->client->config.idle_timeout_ms;

	if (!res->headers_done || res->window_ms + now_ms < idle_ms ||
	    res->window_bytes >= HTTP_WINDOW_BYTES)
		return 0;
	return err_set(err, ERR_TIMEOUT, "%s: only %" PRIu64 " bytes came in %g s", res->where,
		       res->window_bytes, idle_ms / 1000.0);
}

static void next_window(struct http_response *res)
{
	if (res->window_ms >= res->client->config.idle_timeout_ms)
		res->window_ms = res->window_bytes = 0;
}

static bool has_headers(const struct http_response *res)
{
	return res->headers_done || res->is_done;
}

static bool has_body(const struct http_response *res)
{
	return res->have || res->is_done;
}

static int pump(struct http_response *res, bool (*is_enough)(const struct http_response *),
		struct err *err)
{
	const struct curl_dl *curl = &res->client->curl;
	const uint64_t start_ms = http_now_ms();
	const bool is_body = res->headers_done;

	res->active_ms = start_ms;
	next_window(res);
	for (;;) {
		TRY(op_check(res->op, err));
		TRY(step(res, err));
		const uint64_t waited_ms = http_now_ms() - start_ms;

		TRY(check_rate(res, is_body ? waited_ms : 0, err));
		if (is_enough(res)) {
			res->window_ms += is_body ? waited_ms : 0;
			return 0;
		}
		TRY(check_clock(res, err));
		(void)curl->multi_poll(res->lane->multi, NULL, 0, HTTP_POLL_MS, NULL);
	}
}

static ssize_t body_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct http_response *res = container_of(src, struct http_response, source);

	if (res->is_given)
		res->have = 0;
	res->is_given = true;
	if (!res->have && res->is_paused) {
		res->is_paused = false; /* before: the callback may pause again at once */
		(void)res->client->curl.easy_pause(res->lane->easy, CURLPAUSE_CONT);
	}
	if (!res->have && !res->is_done)
		TRY(pump(res, has_body, err));
	if (!res->have && res->result != CURLE_OK)
		return http_error(res, res->result, err);
	res->window_bytes += res->have;
	*ret = res->lane->body;
	return (ssize_t)res->have;
}

static void body_close(struct source *src)
{
	(void)src; /* lives and dies with the response */
}

static const struct source_ops body_ops = { .next = body_next, .close = body_close };

static struct http_response *response_new(struct http_client *client, struct op *op,
					  const struct http_request *req, const struct url *url)
{
	struct http_response *res = NEW(struct http_response);
	_free_ char *origin = url_origin(url);

	res->source.ops = &body_ops;
	res->client = client;
	res->op = op;
	res->is_https = url->is_https;
	res->where = xstrdup(strstr(origin, "//") + 2);
	res->url = xstrdup(req->url);
	if (req->total_timeout_ms)
		res->deadline_ms = http_now_ms() + req->total_timeout_ms;
	else if (!req->body_len) /* headers that trickle in; a body takes as long as it takes */
		res->deadline_ms = http_now_ms() +
				   (uint64_t)HTTP_ANSWER_IDLES * client->config.idle_timeout_ms;
	return res;
}

static int start(struct http_response *res, const struct http_request *req, const struct url *url,
		 struct err *err)
{
	const struct curl_dl *curl = &res->client->curl;
	_free_ char *origin = url_origin(url);
	CURLMcode code;

	TRY(lane_acquire(res->client, origin, &res->lane, err));
	TRY(http_setup(res, req, url, err));
	code = curl->multi_add_handle(res->lane->multi, res->lane->easy);
	if (code != CURLM_OK)
		return err_set(err, ERR_FAILED, "libcurl: %s", curl->multi_strerror(code));
	res->is_added = true;
	return 0;
}

/* The transfer is over before its headers were. */
static int no_headers(const struct http_response *res, struct err *err)
{
	if (res->result == CURLE_OK && res->status)
		return err_set(err, ERR_NETWORK, "%s: the answer ends in its headers", res->where);
	return http_error(res, res->result ? res->result : CURLE_WEIRD_SERVER_REPLY, err);
}

/*
 * A kept connection that the server closed just when we began to send the body. libcurl begins
 * again by itself only when it noticed before or after; a body in memory can be sent again, and the
 * server can't have acted on a request it never had in full.
 */
static bool is_stale(const struct http_response *res)
{
	const struct curl_dl *curl = &res->client->curl;
	long connects = 1;

	if (res->result != CURLE_SEND_ERROR || res->status || res->upload.source)
		return false;
	(void)curl->easy_getinfo(res->lane->easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0;
}

int http_send(struct http_client *client, struct op *op, const struct http_request *req,
	      struct http_response **ret, struct err *err)
{
	_source_ struct source *body = req->body_source;
	_url_ struct url url = { 0 };

	TRY(op_check(op, err));
	TRY(url_parse(req->url, &url, err));
	for (bool fresh = false;; fresh = true) {
		_response_ struct http_response *res = response_new(client, op, req, &url);

		res->wants_fresh = fresh;
		TRY(start(res, req, &url, err));
		TRY(pump(res, has_headers, err));
		if (res->headers_done) {
			res->owned_body = TAKE_PTR(body);
			*ret = TAKE_PTR(res);
			return 0;
		}
		if (fresh || !is_stale(res))
			return no_headers(res, err);
	}
}

static void lane_detach(struct http_response *res)
{
	const struct curl_dl *curl = &res->client->curl;
	struct lane *lane = res->lane;

	/* The end of a short body is often there already: then the connection can be kept. */
	if (res->is_added && res->headers_done && !res->is_done)
		(void)step(res, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A name server that doesn't answer must not hold up an interrupted program. */
	if (op_is_cancelled(res->op))
		(void)curl->easy_setopt(lane->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	if (res->is_added)
		(void)curl->multi_remove_handle(lane->multi, lane->easy);
	curl->slist_free_all(res->request_headers);
	lane_release(res->client, lane);
}

void http_response_close(struct http_response *res)
{
	if (!res)
		return;
	if (res->lane)
		lane_detach(res);
	http_headers_fini(&res->headers);
	source_close(res->owned_body);
	free(res->where);
	free(res->url);
	free(res);
}

const char *http_response_url(const struct http_response *res)
{
	return res->url;
}

struct source *http_response_body(struct http_response *res)
{
	return &res->source;
}

int http_response_read(struct http_response *res, struct buf *out, struct err *err)
{
	return source_read_all(&res->source, out, err);
}
