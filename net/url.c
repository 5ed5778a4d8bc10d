/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs that peers send: parsed by RFC 3986, and more strictly where readers of URLs disagree with
 * one another (userinfo, backslashes, control characters, numbers as hosts), so that what is
 * checked here is what libcurl connects to.
 */
#include "net/url.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>

void url_fini(struct url *u)
{
	free(u->host);
	free(u->path);
	*u = (struct url){ 0 };
}

/*
 * --- messages -----------------------------------------------------------------------------------
 */

/*
 * A URL that failed to parse, for a message: no query, it may hold a signature, and no user name
 * with a password.
 */
static int refuse(struct err *err, const char *text, const char *why)
{
	const char *slashes = strstr(text, "//");
	const char *authority = slashes ? slashes + 2 : text;
	const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));
	char shown[256];

	if (at)
		text = at + 1;
	text_escape(shown, sizeof(shown), text, strcspn(text, "?#"));
	return err_set(err, ERR_DAMAGED, "URL %s: %s", shown, why);
}

static unsigned default_port(bool is_https)
{
	return is_https ? 443 : 80;
}

char *url_origin(const struct url *u)
{
	const bool v6 = strchr(u->host, ':');
	char port[8] = "";

	if (u->port != default_port(u->is_https))
		snprintf(port, sizeof(port), ":%u", u->port);
	return xasprintf("http%s://%s%s%s%s", u->is_https ? "s" : "", v6 ? "[" : "", u->host,
			 v6 ? "]" : "", port);
}

char *url_text(const struct url *u)
{
	char *_free_ origin = url_origin(u);

	return xasprintf("%s%s", origin, u->path);
}

char *url_shown(const struct url *u)
{
	char *_free_ origin = url_origin(u);
	char path[256];

	text_escape(path, sizeof(path), u->path, strcspn(u->path, "?"));
	return xasprintf("%s%s", origin, path);
}

/*
 * --- parsing ------------------------------------------------------------------------------------
 */

/* Length of "NAME:" at the start without the colon, or 0. */
static size_t scheme_len(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)s[0]))
		return 0;
	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("+-.", s[n])))
		n++;
	return s[n] == ':' ? n : 0;
}

static const char *check_text(const char *s)
{
	if (strnlen(s, URL_TEXT_MAX + 1) > URL_TEXT_MAX)
		return "too long";
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '\\')
			return "a character that no URL has";
	return NULL;
}

static char *lowered(const char *s, size_t len)
{
	char *copy = xmemdupz(s, len);

	for (size_t i = 0; i < len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return copy;
}

static bool is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-._", *s))
			return false;
	return true;
}

/* Takes "[v6]" or a name; *ret_len is what was used. NULL when it is neither. */
static char *take_host(const char *s, size_t len, size_t *ret_len)
{
	char *_free_ host = NULL;
	struct in6_addr v6;

	if (len && s[0] == '[') {
		const char *close = memchr(s, ']', len);

		if (!close)
			return NULL;
		host = lowered(s + 1, (size_t)(close - s) - 1);
		if (inet_pton(AF_INET6, host, &v6) != 1)
			return NULL;
		*ret_len = (size_t)(close - s) + 1;
		return TAKE_PTR(host);
	}
	const char *colon = len ? memchr(s, ':', len) : NULL;

	*ret_len = colon ? (size_t)(colon - s) : len;
	host = lowered(s, *ret_len);
	return is_name(host) ? TAKE_PTR(host) : NULL;
}

/* host[:port] into `u`; returns what is wrong, or NULL. */
static const char *take_authority(struct url *u, const char *s, size_t len)
{
	size_t used;
	uint64_t port = default_port(u->is_https);

	if (len && memchr(s, '@', len))
		return "it carries a user name";
	u->host = take_host(s, len, &used);
	if (!u->host)
		return "no valid host";
	s += used;
	len -= used;
	if (len && *s != ':')
		return "no valid host";
	if (len > 1 && (text_parse_u64(s + 1, len - 1, 10, &port) < 0 || !port || port > 65535))
		return "no valid port";
	u->port = (unsigned)port;
	return NULL;
}

/* Path and query, without the fragment. */
static char *take_path(const char *s)
{
	const size_t len = strcspn(s, "#");

	if (*s == '/')
		return xmemdupz(s, len);
	char *_free_ rest = xmemdupz(s, len);

	return xasprintf("/%s", rest);
}

/* What follows "http:" or "https:". */
static const char *take_rest(struct url *u, const char *s)
{
	if (strncmp(s, "//", 2) != 0)
		return "no host";
	s += 2;
	const size_t len = strcspn(s, "/?#");
	const char *wrong = take_authority(u, s, len);

	if (!wrong)
		u->path = take_path(s + len);
	return wrong;
}

static const char *parse(const char *text, struct url *u)
{
	const char *wrong = check_text(text);
	const size_t n = wrong ? 0 : scheme_len(text);

	if (wrong)
		return wrong;
	u->is_https = n == 5 && !strncasecmp(text, "https", 5);
	if (!u->is_https && !(n == 4 && !strncasecmp(text, "http", 4)))
		return "neither http nor https";
	return take_rest(u, text + n + 1);
}

int url_parse(const char *text, struct url *ret, struct err *err)
{
	struct url _url_ u = { 0 };
	const char *wrong = parse(text, &u);

	if (wrong)
		return refuse(err, text, wrong);
	*ret = u;
	u = (struct url){ 0 };
	return 0;
}

int url_of_host(const char *host, bool is_https, const char *path, struct url *ret, struct err *err)
{
	struct url _url_ u = { .is_https = is_https };
	const char *wrong = check_text(host);

	if (!wrong)
		wrong = host[strcspn(host, "/?#")] ? "no valid host" : NULL;
	if (!wrong)
		wrong = take_authority(&u, host, strlen(host));
	if (wrong)
		return err_set(err, ERR_USAGE, "registry %s: %s", TEXT_ESCAPED(host), wrong);
	u.path = xstrdup(path);
	*ret = u;
	u = (struct url){ 0 };
	return 0;
}

/*
 * --- references ---------------------------------------------------------------------------------
 */

/* RFC 3986 section 5.2.4, on the path in place; the query is left alone. */
static void remove_dots(char *path)
{
	char *query = path + strcspn(path, "?");
	char *_free_ rest = xstrdup(query);
	char *out = path, *s = path;

	*query = '\0';
	while (*s) {
		const size_t n = 1 + strcspn(s + 1, "/");

		if (n == 3 && !strncmp(s, "/..", 3)) {
			while (out > path && *--out != '/')
				;
			if (!s[n])
				*out++ = '/';
		} else if (n == 2 && !strncmp(s, "/.", 2)) {
			if (!s[n])
				*out++ = '/';
		} else {
			memmove(out, s, n);
			out += n;
		}
		s += n;
	}
	if (out == path)
		*out++ = '/';
	memcpy(out, rest, strlen(rest) + 1);
}

/* The base's path up to its last '/', or all of it without the query. */
static char *merge(const struct url *base, const char *text)
{
	size_t len = strcspn(base->path, "?");

	if (*text == '?')
		return xasprintf("%.*s%s", (int)len, base->path, text);
	while (len && base->path[len - 1] != '/')
		len--;
	return xasprintf("%.*s%s", (int)len, base->path, text);
}

int url_resolve(const struct url *base, const char *text, struct url *ret, struct err *err)
{
	struct url _url_ u = { .is_https = base->is_https, .port = base->port };
	const char *wrong = check_text(text);

	if (wrong)
		return refuse(err, text, wrong);
	if (scheme_len(text))
		return url_parse(text, ret, err);
	if (!strncmp(text, "//", 2)) {
		wrong = take_rest(&u, text);
		if (wrong)
			return refuse(err, text, wrong);
	} else {
		u.host = xstrdup(base->host);
		char *_free_ reference = xmemdupz(text, strcspn(text, "#"));

		u.path = *reference == '/' ? xstrdup(reference)
			 : *reference	   ? merge(base, reference)
					   : xstrdup(base->path);
	}
	remove_dots(u.path);
	*ret = u;
	u = (struct url){ 0 };
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->is_https == b->is_https && a->port == b->port && !strcmp(a->host, b->host);
}

/*
 * --- where hosts are ----------------------------------------------------------------------------
 */

static bool is_localhost(const char *host)
{
	size_t len = strlen(host);

	if (len && host[len - 1] == '.')
		len--;
	if (len < 9 || strncasecmp(host + len - 9, "localhost", 9) != 0)
		return false;
	return len == 9 || host[len - 10] == '.';
}

/* The address that a literal means, in any spelling that C libraries take ("127.1", "0x7f.1"). */
static bool literal_v4(const char *host, uint32_t *ret)
{
	size_t len = strlen(host);
	char copy[64];
	struct in_addr a;

	if (len && host[len - 1] == '.')
		len--;
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, host, len);
	copy[len] = '\0';
	if (!inet_aton(copy, &a))
		return false;
	*ret = ntohl(a.s_addr);
	return true;
}

/* An IPv6 address that stands for an IPv4 one: mapped, compatible, NAT64. */
static bool embedded_v4(const struct in6_addr *a, uint32_t *ret)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t zero[12];
	const uint8_t *b = a->s6_addr;

	if (memcmp(b, nat64, 12) != 0 && memcmp(b, mapped, 12) != 0 && memcmp(b, zero, 12) != 0)
		return false;
	*ret = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
	return true;
}

static bool is_private_v4(uint32_t a)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} ranges[] = {
		{ 0x00000000, 8 },  /* this network, unspecified */
		{ 0x0a000000, 8 },  /* RFC 1918 */
		{ 0x64400000, 10 }, /* RFC 6598, carrier-grade */
		{ 0x7f000000, 8 },  /* loopback */
		{ 0xa9fe0000, 16 }, /* link-local: metadata services of clouds */
		{ 0xac100000, 12 }, /* RFC 1918 */
		{ 0xc0a80000, 16 }, /* RFC 1918 */
		{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (a >> (32 - ranges[i].bits) == ranges[i].net >> (32 - ranges[i].bits))
			return true;
	return false;
}

bool url_host_is_loopback(const char *host)
{
	struct in6_addr v6;
	uint32_t v4;

	if (is_localhost(host))
		return true;
	if (literal_v4(host, &v4))
		return v4 >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return false;
	if (IN6_IS_ADDR_LOOPBACK(&v6))
		return true;
	return IN6_IS_ADDR_V4MAPPED(&v6) && embedded_v4(&v6, &v4) && v4 >> 24 == 127;
}

bool url_host_is_private(const char *host)
{
	struct in6_addr v6;
	uint32_t v4;

	if (is_localhost(host))
		return true;
	if (literal_v4(host, &v4))
		return is_private_v4(v4);
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return false;
	if (embedded_v4(&v6, &v4))
		return is_private_v4(v4);
	/*
	 * fc00::/7 unique local, fe80::/10 and fec0::/10 link and site local, ff00::/8 multicast.
	 */
	return (v6.s6_addr[0] & 0xfe) == 0xfc || v6.s6_addr[0] == 0xfe || v6.s6_addr[0] == 0xff;
}

int url_check_reach(const struct url *from, const struct url *to, const char *what, struct err *err)
{
	char *_free_ shown = NULL;

	if (!url_host_is_private(to->host) || url_host_is_private(from->host))
		return 0;
	shown = url_shown(to);
	return err_set(err, ERR_DENIED, "%s %s: %s may not send us to a private address", what,
		       shown, from->host);
}

int url_escape(struct buf *out, const char *text, struct err *err)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c))
			TRY(buf_append_char(out, *text, err));
		else
			TRY(buf_printf(out, err, "%%%02X", c));
	}
	return 0;
}
