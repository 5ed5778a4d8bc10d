/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user writes for a platform, by the syntax of containerd/platforms:
 * OS[(VERSION+FEATURE...)][/ARCH[/VARIANT]], or one known OS or ARCH alone.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/platform.h"

#define WORD_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define OPTION_CHARS WORD_CHARS ".%"

/* From Go's lists of systems and architectures: what may stand alone. */
static const char *const known_systems[] = {
	"aix",	 "android", "darwin", "dragonfly", "freebsd", "hurd",	 "illumos", "ios", "js",
	"linux", "nacl",    "netbsd", "openbsd",   "plan9",   "solaris", "windows", "zos",
};
static const char *const known_archs[] = {
	"386",	     "amd64",	    "amd64p32", "arm",	  "armbe",   "arm64",
	"arm64be",   "loong64",	    "mips",	"mipsle", "mips64",  "mips64le",
	"mips64p32", "mips64p32le", "ppc",	"ppc64",  "ppc64le", "riscv",
	"riscv64",   "s390",	    "s390x",	"sparc",  "sparc64", "wasm",
};

static bool is_listed(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Percent-decodes; NULL when that fails or would give a NUL. */
static char *decode_option(const char *s, size_t len)
{
	char *_free_ text = xmemdupz(s, len);
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		const int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

		if (low < 0 || !(high | low))
			return NULL;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return TAKE_PTR(text);
}

static bool add_feature(struct platform *p, const char *s, size_t len)
{
	struct json_strs *f = &p->os_features;
	char *feature = decode_option(s, len);

	if (!feature)
		return false;
	f->items = xreallocarray(f->items, f->count + 1, sizeof(f->items[0]));
	f->items[f->count++] = feature;
	return true;
}

/* "(VERSION+FEATURE+FEATURE)" up to `end`. */
static bool parse_options(const char *s, const char *end, struct platform *p)
{
	if (end - s < 2 || *s++ != '(' || *--end != ')')
		return false;
	size_t len = strspn(s, OPTION_CHARS);

	if (len) {
		p->os_version = decode_option(s, len);
		if (!p->os_version)
			return false;
	}
	for (s += len; s < end; s += len) {
		if (*s++ != '+')
			return false;
		len = strspn(s, OPTION_CHARS);
		if (!len || !add_feature(p, s, len))
			return false;
	}
	return s == end;
}

static bool parse_os(const char *s, size_t len, struct platform *p)
{
	const size_t word = strspn(s, WORD_CHARS);

	if (!word || word > len)
		return false;
	p->os = xmemdupz(s, word);
	return word == len || parse_options(s + word, s + len, p);
}

/* [A-Za-z0-9_.-]+ up to `len`. */
static char *parse_word(const char *s, size_t len)
{
	return len && strspn(s, WORD_CHARS ".") >= len ? xmemdupz(s, len) : NULL;
}

/* Takes the parts as they stand. */
static bool parse_parts(const char *text, struct platform *p)
{
	const size_t os_len = strcspn(text, "/");
	const char *rest = text + os_len;

	if (!parse_os(text, os_len, p))
		return false;
	if (!*rest)
		return true;
	const size_t arch_len = strcspn(++rest, "/");

	p->arch = parse_word(rest, arch_len);
	rest += arch_len;
	if (!p->arch || !*rest)
		return p->arch != NULL;
	p->variant = parse_word(rest + 1, strlen(rest + 1));
	return p->variant != NULL;
}

/* One word: a system that is known, else an architecture that is, and that takes no options. */
static bool complete(struct platform *p, bool has_options)
{
	struct platform _platform_ host = { 0 };

	platform_host(&host);
	platform_normalize(p);
	if (is_listed(known_systems, ARRAY_SIZE(known_systems), p->os)) {
		p->arch = TAKE_PTR(host.arch);
		p->variant = TAKE_PTR(host.variant);
		return true;
	}
	if (has_options)
		return false;
	p->arch = TAKE_PTR(p->os);
	p->os = TAKE_PTR(host.os);
	platform_normalize(p);
	return is_listed(known_archs, ARRAY_SIZE(known_archs), p->arch);
}

/*
 * containerd leaves the variant that goes without saying out where the user left it out, and keeps
 * it where it was written, so that the text comes back as it was meant.
 */
static void keep_variant(struct platform *p, bool is_written)
{
	if (!is_written && p->variant && !strcmp(p->arch, "arm") && !strcmp(p->variant, "v7")) {
		free(p->variant);
		p->variant = NULL;
	}
	if (is_written && !p->variant && !strcmp(p->arch, "arm64"))
		p->variant = xstrdup("v8");
}

static bool parse(const char *text, struct platform *p)
{
	if (!parse_parts(text, p))
		return false;
	const bool is_written = p->variant, has_options = strchr(text, '(');
	/* The features stay in the order they were written; matching sorts its own copy. */
	const struct json_strs features = p->os_features;

	p->os_features = (struct json_strs){ 0 };
	const bool is_complete = p->arch || complete(p, has_options);

	platform_normalize(p);
	p->os_features = features;
	if (is_complete)
		keep_variant(p, is_written);
	return is_complete;
}

int platform_parse(const char *text, struct platform *ret, struct err *err)
{
	struct platform _platform_ p = { 0 };

	if (!strcmp(text, "local")) {
		platform_host(ret);
		return 0;
	}
	if (!parse(text, &p)) {
		const int rc = err_set(err, ERR_USAGE, "platform '%s': not of the form %s",
				       TEXT_ESCAPED(text), "os/arch[/variant]");

		err_hint(err, "try linux/amd64, linux/arm64/v8, arm64 or local");
		return rc;
	}
	*ret = p;
	p = (struct platform){ 0 };
	return 0;
}
