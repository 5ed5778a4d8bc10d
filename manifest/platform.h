/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms (image-spec image-index.md "platform"): os, architecture, variant, written
 * "os/arch[/variant]". Normalisation and order of preference are containerd's, exactly.
 */
#ifndef IMG_MANIFEST_PLATFORM_H
#define IMG_MANIFEST_PLATFORM_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

/* Value; owns its strings. NULL and "" both mean "not stated". */
struct platform {
	char *os;
	char *arch;
	char *variant;
	char *os_version;
	struct json_strs os_features;
};

void platform_fini(struct platform *p);
/* Deep copy into an uninitialised value. */
void platform_copy(const struct platform *p, struct platform *ret);

static inline void platform_fini_p(struct platform *p)
{
	platform_fini(p);
}
#define _platform_ __attribute__((cleanup(platform_fini_p)))

/*
 * Parses what a user writes: "os/arch[/variant]", "os", "arch" (the other half is the host's),
 * "local" (the host); the os may carry "(VERSION+FEATURE...)", percent-encoded. The result is
 * normalised as far as containerd does when it parses. ERR_USAGE with a hint.
 */
int platform_parse(const char *text, struct platform *ret, struct err *err);
/* The platform this program was built for. */
void platform_host(struct platform *ret);
/*
 * Reads an object of an index or a config ("architecture", "os", "variant", "os.version",
 * "os.features"), as it is.
 */
int platform_decode(const struct json *object, const char *path, struct platform *ret,
		    struct err *err);
/* The platform as a fresh JSON object, in the shape of an index entry. */
struct json *platform_json(const struct platform *p);

/*
 * Brings to the canonical form: lower case, x86_64 -> amd64, aarch64 -> arm64, armhf -> arm/v7,
 * arm64/v8 -> arm64, amd64/v1 -> amd64, arm -> arm/v7, macos -> darwin, no os -> the host's;
 * features sorted, once each.
 */
void platform_normalize(struct platform *p);
/* True when both have the same canonical os, architecture and variant. */
bool platform_equal(const struct platform *a, const struct platform *b);
/* True for "unknown/unknown", which builders give to what is not an image. */
bool platform_is_unknown(const struct platform *p);

/*
 * How well something made for `have` runs where `want` was asked for: 0 is best, larger is a
 * fallback, -1 does not run. Neither needs to be normalised.
 */
int platform_match_rank(const struct platform *want, const struct platform *have);

/*
 * "linux/arm64/v8", "windows(10.0.17763)/amd64", "unknown" without an os. As it is, not normalised,
 * not escaped. Free with free().
 */
char *platform_text(const struct platform *p);

#endif
