/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms as values: normal form, JSON, text. Names are containerd/platforms' (which are Go's
 * GOOS and GOARCH); the strings are anyone's.
 */
#include "manifest/platform.h"

#include "base/mem.h"

#define HOST_OS "linux"

#if defined(__x86_64__)
#define HOST_ARCH "amd64"
#elif defined(__i386__)
#define HOST_ARCH "386"
#elif defined(__aarch64__)
#define HOST_ARCH "arm64"
#elif defined(__arm__)
#define HOST_ARCH "arm"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define HOST_ARCH "ppc64le"
#elif defined(__s390x__)
#define HOST_ARCH "s390x"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_ARCH "riscv64"
#elif defined(__loongarch64)
#define HOST_ARCH "loong64"
#elif defined(__mips64) && defined(__MIPSEL__)
#define HOST_ARCH "mips64le"
#else
#error "say here what Go calls this architecture"
#endif

#if defined(__arm__) && __ARM_ARCH == 5
#define HOST_VARIANT "v5"
#elif defined(__arm__) && __ARM_ARCH == 6
#define HOST_VARIANT "v6"
#elif defined(__arm__) && __ARM_ARCH == 7
#define HOST_VARIANT "v7"
#elif defined(__arm__)
#define HOST_VARIANT "v8"
#else
#define HOST_VARIANT ""
#endif

static const struct {
	const char *name;
	const char *arch;
	const char *variant; /* NULL: as it was */
} arch_names[] = {
	{ "i386", "386", "" },	      { "x86_64", "amd64", NULL }, { "x86-64", "amd64", NULL },
	{ "aarch64", "arm64", NULL }, { "armhf", "arm", "v7" },	   { "armel", "arm", "v6" },
};

static const struct {
	const char *arch;
	const char *name;
	const char *variant;
} variant_names[] = {
	{ "amd64", "v1", "" },	   { "arm64", "8", "" },   { "arm64", "v8", "" },
	{ "arm64", "v8.0", "" },   { "arm64", "9", "v9" }, { "arm64", "9.0", "v9" },
	{ "arm64", "v9.0", "v9" }, { "arm", "", "v7" },	   { "arm", "7", "v7" },
	{ "arm", "5", "v5" },	   { "arm", "6", "v6" },   { "arm", "8", "v8" },
};

static const struct json_field platform_fields[] = {
	{ "os", JSON_FIELD_STR, offsetof(struct platform, os), false },
	{ "architecture", JSON_FIELD_STR, offsetof(struct platform, arch), false },
	{ "variant", JSON_FIELD_STR, offsetof(struct platform, variant), false },
	{ "os.version", JSON_FIELD_STR, offsetof(struct platform, os_version), false },
	{ "os.features", JSON_FIELD_STRS, offsetof(struct platform, os_features), false },
};
static const struct json_table platform_table = { platform_fields, ARRAY_SIZE(platform_fields) };

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static bool is_empty(const char *s)
{
	return !s || !*s;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void platform_fini(struct platform *p)
{
	if (p)
		json_decode_free(&platform_table, p);
}

void platform_copy(const struct platform *p, struct platform *ret)
{
	*ret = (struct platform){
		.os = dup_or_null(p->os),
		.arch = dup_or_null(p->arch),
		.variant = dup_or_null(p->variant),
		.os_version = dup_or_null(p->os_version),
	};
	if (!p->os_features.count)
		return;
	ret->os_features.items = xcalloc(p->os_features.count, sizeof(char *));
	ret->os_features.count = p->os_features.count;
	for (size_t i = 0; i < p->os_features.count; i++)
		ret->os_features.items[i] = xstrdup(p->os_features.items[i]);
}

void platform_host(struct platform *ret)
{
	*ret = (struct platform){
		.os = xstrdup(HOST_OS),
		.arch = xstrdup(HOST_ARCH),
		.variant = *HOST_VARIANT ? xstrdup(HOST_VARIANT) : NULL,
	};
}

int platform_decode(const struct json *object, const char *path, struct platform *ret,
		    struct err *err)
{
	struct platform p = { 0 };

	TRY(json_decode(object, &platform_table, path, &p, err));
	*ret = p;
	return 0;
}

struct json *platform_json(const struct platform *p)
{
	struct json *object = json_new_object();

	/* Both are mandatory in an index (image-index.md). */
	json_set_str(object, "architecture", or_empty(p->arch));
	json_set_str(object, "os", or_empty(p->os));
	if (!is_empty(p->os_version))
		json_set_str(object, "os.version", p->os_version);
	if (p->os_features.count) {
		struct json *features = json_new_array();

		for (size_t i = 0; i < p->os_features.count; i++)
			json_add(features, json_new_str(p->os_features.items[i]));
		json_set(object, "os.features", features);
	}
	if (!is_empty(p->variant))
		json_set_str(object, "variant", p->variant);
	return object;
}

static void set(char **at, const char *value)
{
	char *fresh = *value ? xstrdup(value) : NULL;

	free(*at);
	*at = fresh;
}

static void lower(char *s)
{
	for (; s && *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static void normalize_arch(struct platform *p)
{
	lower(p->arch);
	lower(p->variant);
	for (size_t i = 0; i < ARRAY_SIZE(arch_names); i++)
		if (!strcmp(or_empty(p->arch), arch_names[i].name)) {
			set(&p->arch, arch_names[i].arch);
			if (arch_names[i].variant)
				set(&p->variant, arch_names[i].variant);
			break;
		}
	for (size_t i = 0; i < ARRAY_SIZE(variant_names); i++)
		if (!strcmp(or_empty(p->arch), variant_names[i].arch) &&
		    !strcmp(or_empty(p->variant), variant_names[i].name)) {
			set(&p->variant, variant_names[i].variant);
			break;
		}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void normalize_features(struct json_strs *f)
{
	size_t kept = 0;

	if (f->count > 1)
		qsort(f->items, f->count, sizeof(f->items[0]), by_text);
	for (size_t i = 0; i < f->count; i++) {
		if (kept && !strcmp(f->items[kept - 1], f->items[i]))
			free(f->items[i]);
		else
			f->items[kept++] = f->items[i];
	}
	f->count = kept;
}

void platform_normalize(struct platform *p)
{
	if (is_empty(p->os))
		set(&p->os, HOST_OS);
	lower(p->os);
	if (!strcmp(p->os, "macos"))
		set(&p->os, "darwin");
	normalize_arch(p);
	normalize_features(&p->os_features);
}

bool platform_equal(const struct platform *a, const struct platform *b)
{
	struct platform _platform_ x = { 0 }, _platform_ y = { 0 };

	platform_copy(a, &x);
	platform_copy(b, &y);
	platform_normalize(&x);
	platform_normalize(&y);
	return !strcmp(x.os, y.os) && !strcmp(or_empty(x.arch), or_empty(y.arch)) &&
	       !strcmp(or_empty(x.variant), or_empty(y.variant));
}

bool platform_is_unknown(const struct platform *p)
{
	return !strcmp(or_empty(p->os), "unknown") && !strcmp(or_empty(p->arch), "unknown");
}

/* Appends without a bound: the caller has made room. */
static char *put(char *at, const char *s)
{
	while (*s)
		*at++ = *s++;
	return at;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

/*
 * Percent-encodes what platform_parse does not take as it is, so that it gives the value back.
 * containerd leaves odd characters alone here, and then cannot read its own text.
 */
static char *put_option(char *at, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const char *c = value; *c; c++) {
		if (is_plain(*c)) {
			*at++ = *c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[(unsigned char)*c >> 4];
		*at++ = hex[*c & 15];
	}
	return at;
}

static char *put_options(char *at, const struct platform *p)
{
	struct platform _platform_ sorted = { 0 };

	platform_copy(p, &sorted);
	normalize_features(&sorted.os_features);
	at = put_option(at, or_empty(p->os_version));
	for (size_t i = 0; i < sorted.os_features.count; i++)
		if (*sorted.os_features.items[i]) {
			*at++ = '+';
			at = put_option(at, sorted.os_features.items[i]);
		}
	return at;
}

/* Bytes that the text takes at most: three for each of an option's. */
static size_t text_bound(const struct platform *p)
{
	size_t n = sizeof("(+)//") + strlen(p->os) + strlen(or_empty(p->arch)) +
		   strlen(or_empty(p->variant)) + 3 * strlen(or_empty(p->os_version));

	for (size_t i = 0; i < p->os_features.count; i++)
		n += 1 + 3 * strlen(p->os_features.items[i]);
	return n;
}

char *platform_text(const struct platform *p)
{
	if (is_empty(p->os))
		return xstrdup("unknown");
	char *text = xcalloc(1, text_bound(p)), *at = put(text, p->os), *const options = at;

	*at++ = '(';
	at = put_options(at, p);
	if (at == options + 1)
		at = options;
	else
		*at++ = ')';
	if (!is_empty(p->arch))
		at = put(put(at, "/"), p->arch);
	if (!is_empty(p->variant))
		at = put(put(at, "/"), p->variant);
	*at = '\0';
	return text;
}
