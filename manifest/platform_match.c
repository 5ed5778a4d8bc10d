/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which platforms run what was made for others, best first, as containerd's platforms.Only decides:
 * amd64/vN runs vN-1 ... v1 and then 386; arm64/v9.x runs v9.x-1 ..., then v8.x+5 ... v8, then
 * arm/v8 ... v5; arm/vN runs vN-1 ... v5. Everything else runs only itself.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/platform.h"

/* Versions beyond these are compared for equality only: a user's "v2000000000" costs nothing. */
#define VERSION_MAX    64
#define CANDIDATES_MAX (2 * VERSION_MAX + 32)

/* One architecture to accept; variant "" is the one that goes without saying. */
struct candidate {
	const char *arch;
	char variant[24];
};

struct candidates {
	struct candidate items[CANDIDATES_MAX];
	size_t count;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* Number after "v", or of the whole text; 0 when it is none or too large. */
static unsigned version(const char *s, size_t len)
{
	uint64_t n;

	if (len && *s == 'v') {
		s++;
		len--;
	}
	return text_parse_u64(s, len, 10, &n) < 0 || n > VERSION_MAX ? 0 : (unsigned)n;
}

static struct candidate *add(struct candidates *c, const char *arch)
{
	struct candidate *item = &c->items[c->count++];

	*item = (struct candidate){ .arch = arch };
	return item;
}

/* Adds ARCH/vFROM down to ARCH/vTO. */
static void add_versions(struct candidates *c, const char *arch, unsigned from, unsigned to)
{
	for (unsigned n = from; n >= to; n--) {
		struct candidate *item = add(c, arch);

		if (n > 1 || strcmp(arch, "amd64") != 0)
			snprintf(item->variant, sizeof(item->variant), "v%u", n);
	}
}

/* Adds arm64/vMAJOR.FROM down to arm64/vMAJOR. */
static void add_minors(struct candidates *c, unsigned major, unsigned from)
{
	for (unsigned minor = from; minor > 0; minor--)
		snprintf(add(c, "arm64")->variant, sizeof(c->items[0].variant), "v%u.%u", major,
			 minor);
	if (major == 8)
		add(c, "arm64");
	else
		snprintf(add(c, "arm64")->variant, sizeof(c->items[0].variant), "v%u", major);
}

static void add_arm(struct candidates *c, const char *variant)
{
	const unsigned n = version(variant, strlen(variant));

	snprintf(add(c, "arm")->variant, sizeof(c->items[0].variant), "%s", variant);
	if (n > 5)
		add_versions(c, "arm", n - 1, 5);
}

static void add_arm64(struct candidates *c, const char *variant)
{
	if (!*variant)
		variant = "v8";
	const size_t major_len = strcspn(variant, ".");
	const unsigned major = version(variant, major_len);
	unsigned minor = 0;

	/* One digit: containerd takes "v8.10" for v8. */
	if (strlen(variant) == 4 && variant[major_len])
		minor = version(variant + major_len + 1, strlen(variant + major_len + 1));
	if (major == 9) {
		if (minor)
			add_minors(c, 9, minor - 1);
		add_minors(c, 8, minor + 5);
	} else if (major >= 8 && minor) {
		add_minors(c, major, minor - 1);
	}
	const bool has_minor = !strncmp(variant, "v8.", 3) || !strncmp(variant, "v9.", 3);

	add_arm(c, has_minor ? "v8" : variant);
}

/* What `want` runs besides itself. */
static void list_candidates(const struct platform *want, struct candidates *c)
{
	const char *arch = or_empty(want->arch), *variant = or_empty(want->variant);

	if (!strcmp(arch, "amd64")) {
		const unsigned n = version(variant, strlen(variant));

		if (n > 1)
			add_versions(c, "amd64", n - 1, 1);
		add(c, "386");
	} else if (!strcmp(arch, "arm")) {
		const unsigned n = version(variant, strlen(variant));

		if (n > 5)
			add_versions(c, "arm", n - 1, 5);
	} else if (!strcmp(arch, "arm64") && strlen(variant) < sizeof(c->items[0].variant)) {
		add_arm64(c, variant);
	}
}

/* "MAJOR.MINOR.BUILD[.REVISION]". */
struct windows_version {
	uint64_t major, minor, build;
};

static bool parse_number(const char **s, uint64_t max, uint64_t *ret)
{
	const size_t len = strcspn(*s, ".");

	if (text_parse_u64(*s, len, 10, ret) < 0 || *ret > max)
		return false;
	*s += len + ((*s)[len] == '.');
	return true;
}

/* All zero when it is not one. */
static struct windows_version parse_windows_version(const char *s)
{
	struct windows_version v = { 0 };

	if (parse_number(&s, UINT8_MAX, &v.major) && parse_number(&s, UINT8_MAX, &v.minor) &&
	    parse_number(&s, UINT16_MAX, &v.build))
		return v;
	return (struct windows_version){ 0 };
}

/* Before Server 2022 a build ran only itself; since then it runs the builds back to that one. */
#define WINDOWS_STABLE_BUILD 20348

static bool windows_runs(const char *want, const char *have)
{
	const struct windows_version host = parse_windows_version(want),
				     image = parse_windows_version(have);

	if (!(host.major | host.minor | host.build) || !*have)
		return true;
	if (host.major != image.major || host.minor != image.minor)
		return false;
	if (host.build < WINDOWS_STABLE_BUILD)
		return host.build == image.build;
	return image.build >= WINDOWS_STABLE_BUILD && image.build <= host.build;
}

/* Both are sorted, each once. */
static bool has_features(const struct json_strs *want, const struct json_strs *have)
{
	size_t i = 0;

	for (size_t k = 0; k < have->count; k++) {
		while (i < want->count && strcmp(want->items[i], have->items[k]) < 0)
			i++;
		if (i == want->count || strcmp(want->items[i++], have->items[k]) != 0)
			return false;
	}
	return true;
}

static bool same_arch(const struct platform *p, const char *arch, const char *variant)
{
	return !strcmp(or_empty(p->arch), arch) && !strcmp(or_empty(p->variant), variant);
}

/* Both normalised. */
static int rank(const struct platform *want, const struct platform *have)
{
	struct candidates c;

	if (strcmp(want->os, have->os) != 0 ||
	    !has_features(&want->os_features, &have->os_features))
		return -1;
	if (!strcmp(want->os, "windows") &&
	    !windows_runs(or_empty(want->os_version), or_empty(have->os_version)))
		return -1;
	if (same_arch(have, or_empty(want->arch), or_empty(want->variant)))
		return 0;
	c.count = 0;
	list_candidates(want, &c);
	for (size_t i = 0; i < c.count; i++)
		if (same_arch(have, c.items[i].arch, c.items[i].variant))
			return (int)i + 1;
	return -1;
}

int platform_match_rank(const struct platform *want, const struct platform *have)
{
	struct platform _platform_ w = { 0 }, _platform_ h = { 0 };

	platform_copy(want, &w);
	platform_copy(have, &h);
	platform_normalize(&w);
	platform_normalize(&h);
	return rank(&w, &h);
}
