/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs by RFC 3986, as strict as safety needs: what is accepted here is sent as it is, so nothing that two parsers could read in two ways gets
 * through (userinfo, backslashes, odd spellings of IPv4, ports out of range). Trusts nothing: every byte comes from a peer.
 */
#include "net/url.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>

#define HOST_MAX 253

void url_fini(struct url *u)
{
	free(u->host);
	free(u->path);
	*u = (struct url){ 0 };
}

static unsigned default_port(bool is_https)
{
	return is_https ? 443 : 80;
}

/* A URL without user name, query and fragment, escaped: what may appear in a message. */
static char *shown_text(const char *text)
{
	const char *authority = strstr(text, "//");
	const char *user = authority ? authority + 2 : text;
	const char *at = memchr(user, '@', strcspn(user, "/?#"));
	const char *from = at ? at + 1 : text;
	char safe[256];

	return xstrdup(text_escape(safe, sizeof(safe), from, strcspn(from, "?#")));
}

static int bad_url(const char *text, const char *why, struct err *err)
{
	_free_ char *shown = shown_text(text);

	return err_set(err, ERR_DAMAGED, "URL '%s': %s", shown, why);
}

static const char *bad_character(const char *text)
{
	if (strlen(text) > URL_TEXT_MAX)
		return "too long";
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '\\')
			return "a character that must be escaped";
	return NULL;
}

/* "127.1", "0x7f000001": resolvers take these for addresses where others see a name. */
static bool is_odd_ipv4(const char *host)
{
	struct in_addr addr;

	return inet_aton(host, &addr) && inet_pton(AF_INET, host, &addr) != 1;
}

/* Takes "name" or "[v6]" into a fresh string; NULL when it is neither. */
static char *parse_host(const char *s, size_t len)
{
	_free_ char *host = NULL;

	if (len > 2 && s[0] == '[' && s[len - 1] == ']') {
		struct in6_addr addr;
		char text[INET6_ADDRSTRLEN];

		host = xmemdupz(s + 1, len - 2);
		if (inet_pton(AF_INET6, host, &addr) != 1)
			return NULL;
		return xstrdup(inet_ntop(AF_INET6, &addr, text, sizeof(text)));
	}
	if (!len || len > HOST_MAX)
		return NULL;
	host = xmemdupz(s, len);
	for (char *p = host; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 'a' - 'A');
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-_", *p))
			return NULL;
	}
	if (host[0] == '.' || host[0] == '-' || is_odd_ipv4(host))
		return NULL;
	return TAKE_PTR(host);
}

/* "host", "host:port", "[v6]:port". Returns why it is wrong, or NULL. */
static const char *parse_authority(const char *s, size_t len, struct url *u)
{
	const char *end = s + len;
	const char *bracket = memchr(s, ']', len);
	const char *from = bracket ? bracket : s;
	const char *colon = memchr(from, ':', (size_t)(end - from));
	uint64_t port = default_port(u->is_https);

	if (memchr(s, '@', len))
		return "user names in a URL are refused";
	if (colon && (text_parse_u64(colon + 1, (size_t)(end - colon - 1), 10, &port) < 0 ||
		      port < 1 || port > 65535))
		return "not a port";
	u->port = (unsigned)port;
	u->host = parse_host(s, (size_t)((colon ? colon : end) - s));
	return u->host ? NULL : "not a host";
}

/* The bytes after "http://" or "https://", or NULL. */
static const char *after_scheme(const char *text, bool *ret_https)
{
	*ret_https = strncasecmp(text, "https://", 8) == 0;
	if (*ret_https)
		return text + 8;
	return strncasecmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

int url_parse(const char *text, struct url *ret, struct err *err)
{
	_url_ struct url u = { 0 };
	const char *why = bad_character(text);
	const char *authority = after_scheme(text, &u.is_https);

	if (!why && !authority)
		why = "not an http or https URL";
	if (why)
		return bad_url(text, why, err);
	const size_t len = strcspn(authority, "/?#");
	const char *path = authority + len;

	why = parse_authority(authority, len, &u);
	if (why)
		return bad_url(text, why, err);
	const size_t path_len = strcspn(path, "#");

	u.path = xasprintf("%s%.*s", *path == '/' ? "" : "/", (int)path_len, path);
	*ret = u;
	u = (struct url){ 0 };
	return 0;
}

/* "scheme://host[:port]"; free with free(). */
static char *origin_text(const struct url *u)
{
	const char *open = strchr(u->host, ':') ? "[" : "";
	const char *close = *open ? "]" : "";
	const char *scheme = u->is_https ? "https" : "http";

	if (u->port == default_port(u->is_https))
		return xasprintf("%s://%s%s%s", scheme, open, u->host, close);
	return xasprintf("%s://%s%s%s:%u", scheme, open, u->host, close, u->port);
}

char *url_text(const struct url *u)
{
	_free_ char *origin = origin_text(u);

	return xasprintf("%s%s", origin, u->path);
}

char *url_shown(const struct url *u)
{
	_free_ char *text = url_text(u);

	return shown_text(text);
}

/* RFC 3986 section 3.1: does the text begin with "scheme:"? */
static bool has_scheme(const char *text)
{
	const size_t len = strcspn(text, ":/?#");

	return len && text[len] == ':';
}

/* Drops the last segment of out[0..len) with the slash before it. */
static size_t drop_segment(const char *out, size_t len)
{
	while (len && out[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

/*
 * RFC 3986 section 5.2.4 on a path that begins with '/', in place: each segment is moved with the slash before it, "." and ".." are not, and leave a slash
 * when they are the last.
 */
static void remove_dots(char *path)
{
	size_t used = 0;

	for (const char *in = path; *in;) {
		const size_t len = 1 + strcspn(in + 1, "/");
		const bool one = len == 2 && in[1] == '.';
		const bool two = len == 3 && in[1] == '.' && in[2] == '.';

		if (two)
			used = drop_segment(path, used);
		if ((one || two) && !in[len])
			path[used++] = '/';
		if (!one && !two) {
			memmove(path + used, in, len);
			used += len;
		}
		in += len;
	}
	path[used] = '\0';
}

/* The path and query that a relative reference names (section 5.2.2); free with free(). */
static char *merged_path(const struct url *base, const char *text)
{
	const int dir_len = (int)(strcspn(base->path, "?"));
	const int len = (int)strcspn(text, "?#");
	_free_ char *path = NULL;
	int keep = dir_len;

	if (!len && text[0] != '?')
		return xstrdup(base->path);
	if (!len)
		return xasprintf("%.*s%s", dir_len, base->path, text);
	while (keep && base->path[keep - 1] != '/')
		keep--;
	path = text[0] == '/' ? xasprintf("%.*s", len, text)
			      : xasprintf("%.*s%.*s", keep, base->path, len, text);
	remove_dots(path);
	return xasprintf("%s%s", path, text + len);
}

int url_resolve(const struct url *base, const char *text, struct url *ret, struct err *err)
{
	_free_ char *whole = NULL;

	if (has_scheme(text))
		return url_parse(text, ret, err);
	if (strlen(text) > URL_TEXT_MAX)
		return bad_url(text, "too long", err);
	if (text[0] == '/' && text[1] == '/') {
		whole = xasprintf("%s:%s", base->is_https ? "https" : "http", text);
	} else {
		_free_ char *origin = origin_text(base);
		_free_ char *path = merged_path(base, text);

		whole = xasprintf("%s%s", origin, path);
	}
	return url_parse(whole, ret, err);
}

int url_of_host(const char *host, bool is_https, const char *path, struct url *ret, struct err *err)
{
	_free_ char *whole = xasprintf("%s://%s%s", is_https ? "https" : "http", host, path);
	struct err why = { 0 };

	if (strpbrk(host, "/?#") || path[0] != '/')
		return err_set(err, ERR_USAGE, "'%s' is not a registry's host", TEXT_ESCAPED(host));
	if (url_parse(whole, ret, &why) < 0)
		return err_set(err, ERR_USAGE, "%s", why.msg);
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool in_range4(uint32_t addr, uint32_t net, unsigned bits)
{
	return addr >> (32 - bits) == net >> (32 - bits);
}

static bool is_private4(uint32_t addr)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} ranges[] = {
		{ 0x00000000, 8 },  /* this network, RFC 1122 */
		{ 0x0a000000, 8 },  /* RFC 1918 */
		{ 0x64400000, 10 }, /* carrier-grade, RFC 6598 */
		{ 0x7f000000, 8 },  /* loopback */
		{ 0xa9fe0000, 16 }, /* link-local: cloud metadata */
		{ 0xac100000, 12 }, /* RFC 1918 */
		{ 0xc0a80000, 16 }, /* RFC 1918 */
		{ 0xf0000000, 4 },  /* reserved, broadcast */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (in_range4(addr, ranges[i].net, ranges[i].bits))
			return true;
	return false;
}

static uint32_t big_endian32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_private6(const struct in6_addr *addr)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const uint8_t *b = addr->s6_addr;

	if (IN6_IS_ADDR_LOOPBACK(addr) || IN6_IS_ADDR_UNSPECIFIED(addr) ||
	    IN6_IS_ADDR_LINKLOCAL(addr) || IN6_IS_ADDR_SITELOCAL(addr) || (b[0] & 0xfe) == 0xfc)
		return true;
	if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
		return is_private4(big_endian32(b + 2));
	if (IN6_IS_ADDR_V4MAPPED(addr) || IN6_IS_ADDR_V4COMPAT(addr) || memcmp(b, nat64, 12) == 0)
		return is_private4(big_endian32(b + 12));
	return false;
}

/* A host without its trailing dot in `dst`; resolvers don't mind the dot. */
static const char *bare_host(const char *host, char dst[HOST_MAX + 1])
{
	size_t len = strnlen(host, HOST_MAX);

	while (len && host[len - 1] == '.')
		len--;
	memcpy(dst, host, len);
	dst[len] = '\0';
	return dst;
}

static bool is_localhost(const char *host)
{
	const size_t n = strlen(host);

	return strcasecmp(host, "localhost") == 0 ||
	       (n > 10 && strcasecmp(host + n - 10, ".localhost") == 0);
}

bool url_host_is_loopback(const char *text)
{
	char bare[HOST_MAX + 1];
	const char *host = bare_host(text, bare);
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return is_localhost(host);
}

bool url_host_is_private(const char *text)
{
	char bare[HOST_MAX + 1];
	const char *host = bare_host(text, bare);
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_aton(host, &v4))
		return is_private4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return is_private6(&v6);
	return is_localhost(host);
}

int url_check_reach(const struct url *from, const struct url *to, const char *what, struct err *err)
{
	if (!url_host_is_private(to->host) || url_host_is_private(from->host))
		return 0;
	return err_set(err, ERR_DENIED, "%s to %s refused: %s is not an address that %s may name",
		       what, to->host, to->host, from->host);
}

int url_escape(struct buf *out, const char *text, struct err *err)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (strchr(plain, *p))
			TRY(buf_append_char(out, (char)*p, err));
		else
			TRY(buf_printf(out, err, "%%%02X", *p));
	return 0;
}
