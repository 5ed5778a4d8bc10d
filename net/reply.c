/* SPDX-License-Identifier: Apache-2.0 */
/* Reads error bodies. Nothing here fails: a body that can't be understood is no text. */
#include "net/reply.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define TEXTS_MAX	3
#define PIECE_BYTES_MAX 240

/* Copies without the queries of URLs: from '?' after "://" to the next blank, quote or bracket. */
static void without_queries(struct buf *out, const char *s, size_t len)
{
	bool in_url = false;

	for (size_t i = 0; i < len; i++) {
		if (strchr(" \t\r\n\"'<>()", s[i]))
			in_url = false;
		else if (s[i] == ':' && len - i > 2 && s[i + 1] == '/' && s[i + 2] == '/')
			in_url = true;
		else if (s[i] == '?' && in_url) {
			(void)buf_append_str(out, "?...", NULL);
			i += strcspn(s + i, " \t\r\n\"'<>()") - 1;
			continue;
		}
		if (buf_append_char(out, s[i], NULL) < 0)
			return;
	}
}

/* One text of the peer's, made safe. `s` is terminated. */
static void add_piece(struct buf *out, const char *s, size_t len)
{
	_buf_ struct buf plain = BUF_INIT(REPLY_BODY_BYTES_MAX + 16);
	char safe[PIECE_BYTES_MAX];

	without_queries(&plain, s, len);
	text_escape(safe, sizeof(safe), buf_str(&plain), plain.len);
	(void)buf_append_str(out, safe, NULL);
}

static void add_error(struct buf *out, const struct json *error)
{
	const char *code = json_str(json_get(error, "code"), "");
	const char *message = json_str(json_get(error, "message"), "");
	const char *detail = json_str(json_get(error, "detail"), "");

	if (!*code && !*message)
		return;
	if (out->len)
		(void)buf_append_str(out, "; ", NULL);
	add_piece(out, code, strlen(code));
	if (*code && *message)
		(void)buf_append_str(out, ": ", NULL);
	add_piece(out, message, strlen(message));
	if (*detail && strcmp(detail, message) != 0) {
		(void)buf_append_str(out, " (", NULL);
		add_piece(out, detail, strlen(detail));
		(void)buf_append_str(out, ")", NULL);
	}
}

static void add_json(struct buf *out, const struct reply *reply)
{
	_json_ struct json *root = NULL;
	const struct json *errors;

	if (json_parse(reply->body, reply->body_len, &root, NULL) < 0)
		return;
	errors = json_get(root, "errors");
	for (size_t i = 0; i < json_count(errors) && i < TEXTS_MAX; i++)
		add_error(out, json_at(errors, i));
	/* Token servers and proxies have their own shapes; these two are common. */
	for (size_t i = 0; i < 2 && !out->len; i++) {
		const char *text = json_str(json_get(root, i ? "message" : "details"), "");

		add_piece(out, text, strlen(text));
	}
}

char *reply_text(char *dst, size_t dst_bytes, const struct reply *reply)
{
	_buf_ struct buf out = BUF_INIT((size_t)8 << 10);
	const char *type = reply->content_type ? reply->content_type : "";
	_free_ char *copy = xmemdupz(reply->body, reply->body_len);

	if (copy[strspn(copy, " \t\r\n")] == '{')
		add_json(&out, reply);
	else if (strncasecmp(type, "text/plain", 10) == 0)
		add_piece(&out, copy, strcspn(copy, "\r\n"));
	snprintf(dst, dst_bytes, "%s", buf_str(&out));
	return dst;
}

char *reply_rate(char *dst, size_t dst_bytes, const char *value)
{
	const size_t digits = strspn(value, "0123456789");
	const char *window = value + digits;
	char raw[64];
	uint64_t seconds;

	if (digits && !*window) {
		snprintf(dst, dst_bytes, "%.*s", (int)digits, value);
		return dst;
	}
	if (digits && strncmp(window, ";w=", 3) == 0 &&
	    text_parse_u64(window + 3, strlen(window + 3), 10, &seconds) == 0) {
		const bool hours = seconds && seconds % 3600 == 0;

		snprintf(dst, dst_bytes, "%.*s in %" PRIu64 " %s", (int)digits, value,
			 hours ? seconds / 3600 : seconds, hours ? "h" : "s");
		return dst;
	}
	text_escape(raw, sizeof(raw), value, strlen(value));
	snprintf(dst, dst_bytes, "%s", raw);
	return dst;
}

static const struct {
	unsigned status;
	enum err_kind kind;
	const char *name;
} statuses[] = {
	{ 400, ERR_FAILED, "bad request" },
	{ 401, ERR_AUTH, "unauthorized" },
	{ 403, ERR_DENIED, "forbidden" },
	{ 404, ERR_NOT_FOUND, "not found" },
	{ 405, ERR_UNSUPPORTED, "method not allowed" },
	{ 407, ERR_AUTH, "the proxy wants credentials" },
	{ 408, ERR_TIMEOUT, "request timeout" },
	{ 410, ERR_NOT_FOUND, "gone" },
	{ 413, ERR_LIMIT, "too large" },
	{ 429, ERR_BUSY, "too many requests" },
	{ 500, ERR_SERVER, "internal server error" },
	{ 501, ERR_UNSUPPORTED, "not implemented" },
	{ 502, ERR_SERVER, "bad gateway" },
	{ 503, ERR_BUSY, "service unavailable" },
	{ 504, ERR_SERVER, "gateway timeout" },
};

enum err_kind reply_kind(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].kind;
	return status >= 500 ? ERR_SERVER : ERR_FAILED;
}

const char *reply_status_name(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return "";
}
