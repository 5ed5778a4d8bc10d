/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of distribution/reference and docker's normalisation, byte by byte: no regular
 * expressions, no locale, nothing before or after is overlooked. All classes are ASCII.
 */
#include "base/mem.h"
#include "manifest/reference.h"

#include <stdint.h>

#define DIGITS	       "0123456789"
#define LOWER	       "abcdefghijklmnopqrstuvwxyz"
#define UPPER	       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER_HEX      DIGITS "abcdef"
#define HEX	       LOWER_HEX "ABCDEF"
#define HUB	       "docker.io"
#define LEGACY_HUB     "index.docker.io"
#define OFFICIAL       "library/"
#define LOCALHOST      "localhost"
#define ID_HEX_LEN     64
#define DIGEST_HEX_MIN 32

struct span {
	const char *s;
	size_t len;
};

struct parts {
	struct span domain; /* len 0: none */
	struct span path;
	struct span tag;    /* s NULL: none */
	struct span digest; /* s NULL: none */
};

static struct span span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static bool span_is(struct span a, const char *text)
{
	return strlen(text) == a.len && !memcmp(a.s, text, a.len);
}

static bool is_in(char c, const char *class)
{
	return c && strchr(class, c);
}

static bool span_has(struct span a, const char *class)
{
	for (size_t i = 0; i < a.len; i++)
		if (is_in(a.s[i], class))
			return true;
	return false;
}

static bool all_in(struct span a, const char *class)
{
	for (size_t i = 0; i < a.len; i++)
		if (!is_in(a.s[i], class))
			return false;
	return a.len;
}

/*
 * Splits at the first `c`: *a becomes what is before, *ret_after what follows. False when there is
 * none.
 */
static bool cut(struct span *a, char c, struct span *ret_after)
{
	const char *at = a->len ? memchr(a->s, c, a->len) : NULL;

	if (!at)
		return false;
	*ret_after = (struct span){ at + 1, a->len - (size_t)(at - a->s) - 1 };
	a->len = (size_t)(at - a->s);
	return true;
}

/* [a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])? */
static bool is_domain_component(struct span a)
{
	return all_in(a, LOWER UPPER DIGITS "-") && a.s[0] != '-' && a.s[a.len - 1] != '-';
}

static bool is_domain_name(struct span a)
{
	struct span rest;

	while (cut(&a, '.', &rest)) {
		if (!is_domain_component(a))
			return false;
		a = rest;
	}
	return is_domain_component(a);
}

/* Splits "host:port" or "[v6]:port"; the port is empty with s NULL when there is none. */
static bool split_host(struct span a, struct span *ret_host, struct span *ret_port)
{
	struct span port = { 0 };

	if (a.len && a.s[0] == '[') {
		struct span inside = { a.s + 1, a.len - 1 }, after;

		if (!cut(&inside, ']', &after) || (after.len && after.s[0] != ':'))
			return false;
		if (after.len)
			port = (struct span){ after.s + 1, after.len - 1 };
		a.len = inside.len + 2;
	} else {
		cut(&a, ':', &port);
	}
	*ret_host = a;
	*ret_port = port;
	return true;
}

static bool is_domain(struct span a)
{
	struct span host, port;

	if (!split_host(a, &host, &port) || (port.s && !all_in(port, DIGITS)))
		return false;
	if (host.len && host.s[0] == '[')
		return all_in((struct span){ host.s + 1, host.len - 2 }, HEX ":");
	return is_domain_name(host);
}

/*
 * "." or "_" or "__" or any number of "-": the length of the separator at the start, 0 when it is
 * none.
 */
static size_t separator_len(struct span a)
{
	size_t dashes = 0;

	while (dashes < a.len && a.s[dashes] == '-')
		dashes++;
	if (dashes || !a.len)
		return dashes;
	if (a.s[0] == '_')
		return a.len > 1 && a.s[1] == '_' ? 2 : 1;
	return a.s[0] == '.' ? 1 : 0;
}

static size_t alnum_len(struct span a)
{
	size_t n = 0;

	while (n < a.len && is_in(a.s[n], LOWER DIGITS))
		n++;
	return n;
}

/* [a-z0-9]+(separator[a-z0-9]+)* */
static bool is_path_component(struct span a)
{
	for (;;) {
		const size_t word = alnum_len(a);

		if (!word)
			return false;
		a = (struct span){ a.s + word, a.len - word };
		if (!a.len)
			return true;
		const size_t separator = separator_len(a);

		if (!separator)
			return false;
		a = (struct span){ a.s + separator, a.len - separator };
	}
}

static bool is_path(struct span a)
{
	struct span rest;

	while (cut(&a, '/', &rest)) {
		if (!is_path_component(a))
			return false;
		a = rest;
	}
	return is_path_component(a);
}

static bool is_tag(struct span a)
{
	return a.len <= REFERENCE_TAG_MAX && all_in(a, LOWER UPPER DIGITS "_.-") && a.s[0] != '.' &&
	       a.s[0] != '-';
}

bool reference_is_tag(const char *text)
{
	return is_tag(span_of(text));
}

/* [A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)* */
static bool is_algorithm(struct span a)
{
	bool at_start = true;

	for (size_t i = 0; i < a.len; i++) {
		const bool is_separator = is_in(a.s[i], "-_+.");

		if (at_start ? !is_in(a.s[i], LOWER UPPER)
			     : !is_separator && !is_in(a.s[i], LOWER UPPER DIGITS))
			return false;
		at_start = is_separator;
	}
	return !at_start;
}

static bool is_digest(struct span a)
{
	struct span hex;

	return cut(&a, ':', &hex) && is_algorithm(a) && hex.len >= DIGEST_HEX_MIN &&
	       all_in(hex, HEX);
}

/* The last "/" and what follows it; a name without one is all of it. */
static struct span last_component(struct span a)
{
	const char *slash = a.len ? memrchr(a.s, '/', a.len) : NULL;

	if (!slash)
		return a;
	return (struct span){ slash + 1, a.len - (size_t)(slash + 1 - a.s) };
}

/* The first component is the domain whenever it can be one. */
static bool split_name(struct span name, struct parts *p)
{
	struct span first = name, rest;

	if (cut(&first, '/', &rest) && is_domain(first) && is_path(rest)) {
		p->domain = first;
		p->path = rest;
		return true;
	}
	p->path = name;
	return is_path(name);
}

/*
 * The whole grammar. No "@" but the digest's and no ":" after the last "/" but the tag's can be in
 * a reference.
 */
static bool split(struct span name, struct parts *ret)
{
	struct parts p = { 0 };

	if (cut(&name, '@', &p.digest) && !is_digest(p.digest))
		return false;
	struct span last = last_component(name);

	if (cut(&last, ':', &p.tag)) {
		name.len = (size_t)(last.s + last.len - name.s);
		if (!is_tag(p.tag))
			return false;
	}
	if (!split_name(name, &p))
		return false;
	*ret = p;
	return true;
}

static char *lower_copy(struct span a)
{
	char *copy = xmemdupz(a.s, a.len);

	for (char *c = copy; *c; c++)
		if (is_in(*c, UPPER))
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

static bool fits_in_lower_case(struct span a)
{
	char *_free_ copy = lower_copy(a);
	struct parts p;

	return memcmp(copy, a.s, a.len) != 0 && split((struct span){ copy, a.len }, &p);
}

/* The checks of go-digest, in its order; the syntax is good already. */
static enum reference_fault scan_digest(struct span a, struct digest *ret)
{
	struct span alg = a, hex = { 0 };
	struct err why;

	cut(&alg, ':', &hex);
	if (!span_is(alg, "sha256") && !span_is(alg, "sha512"))
		return REFERENCE_DIGEST_UNSUPPORTED;
	if (hex.len != (span_is(alg, "sha256") ? 64 : 128))
		return REFERENCE_DIGEST_INVALID_LENGTH;
	return digest_parse(a.s, a.len, ret, &why) < 0 ? REFERENCE_DIGEST_INVALID_FORMAT
						       : REFERENCE_OK;
}

static enum reference_fault scan_raw(struct span text, struct reference *ret)
{
	struct digest digest = { 0 };
	struct parts p;

	if (!text.len)
		return REFERENCE_NAME_EMPTY;
	if (!split(text, &p))
		return fits_in_lower_case(text) ? REFERENCE_NAME_UPPERCASE
						: REFERENCE_INVALID_FORMAT;
	if (p.path.len > REFERENCE_PATH_MAX)
		return REFERENCE_NAME_TOO_LONG;
	if (p.digest.s) {
		const enum reference_fault fault = scan_digest(p.digest, &digest);

		if (fault)
			return fault;
	}
	*ret = (struct reference){
		.domain = p.domain.len ? xmemdupz(p.domain.s, p.domain.len) : NULL,
		.path = xmemdupz(p.path.s, p.path.len),
		.tag = p.tag.s ? xmemdupz(p.tag.s, p.tag.len) : NULL,
		.digest = digest,
	};
	return REFERENCE_OK;
}

static bool is_identifier(struct span a)
{
	return a.len == ID_HEX_LEN && all_in(a, LOWER_HEX);
}

/* What docker takes for a host rather than for a namespace of Hub. */
static bool is_meant_as_domain(struct span first)
{
	return span_is(first, LOCALHOST) || span_has(first, ".:") || span_has(first, UPPER);
}

/*
 * Text with its domain written out: "debian" -> "docker.io/library/debian". The name is in front of
 * *ret_remainder.
 */
static char *spell_out(struct span text, size_t *ret_domain_len)
{
	struct span domain = text, rest;
	bool is_hub = true;

	if (cut(&domain, '/', &rest) && is_meant_as_domain(domain)) {
		is_hub = span_is(domain, HUB) || span_is(domain, LEGACY_HUB);
		text = rest;
	}
	if (is_hub)
		domain = span_of(HUB);
	*ret_domain_len = domain.len;
	return xasprintf("%.*s/%s%.*s", (int)domain.len, domain.s,
			 is_hub && !memchr(text.s, '/', text.len) ? OFFICIAL : "", (int)text.len,
			 text.s);
}

static enum reference_fault scan_normalized(struct span text, struct reference *ret)
{
	struct reference _reference_ ref = { 0 };
	size_t domain_len;

	if (is_identifier(text))
		return REFERENCE_IDENTIFIER;
	char *_free_ full = spell_out(text, &domain_len);
	struct span remote = span_of(full + domain_len + 1), tag;

	cut(&remote, ':', &tag);
	if (span_has(remote, UPPER))
		return REFERENCE_MUST_BE_LOWERCASE;
	const enum reference_fault fault = scan_raw(span_of(full), &ref);

	if (fault)
		return fault;
	/*
	 * "a_b.c/d" is a path to the grammar and a host to docker, which then looks for a registry
	 * without a name.
	 */
	if (!ref.domain)
		return REFERENCE_INVALID_FORMAT;
	*ret = ref;
	ref = (struct reference){ 0 };
	return REFERENCE_OK;
}

static bool scan_bare_digest(struct span text, struct digest *ret)
{
	struct err why;

	if (!is_identifier(text))
		return digest_parse(text.s, text.len, ret, &why) == 0;
	char *_free_ full = xasprintf("sha256:%.*s", (int)text.len, text.s);

	return digest_parse(full, strlen(full), ret, &why) == 0;
}

enum reference_fault reference_scan(const char *text, enum reference_mode mode,
				    struct reference *ret)
{
	const struct span all = span_of(text);
	struct digest digest;

	if (all.len > REFERENCE_TEXT_MAX)
		return REFERENCE_NAME_TOO_LONG;
	if (mode == REFERENCE_RAW)
		return scan_raw(all, ret);
	if (mode == REFERENCE_ANY && scan_bare_digest(all, &digest)) {
		*ret = (struct reference){ .digest = digest };
		return REFERENCE_OK;
	}
	return scan_normalized(all, ret);
}

bool reference_looks_like_host_port(const char *text)
{
	struct span all = span_of(text), host, port, digest;

	cut(&all, '@', &digest);
	if (!is_domain(all) || !split_host(all, &host, &port) || !port.s || port.len > 5)
		return false;
	return span_has(host, ".[") ||
	       (host.len == strlen(LOCALHOST) && !strncasecmp(host.s, LOCALHOST, host.len));
}
