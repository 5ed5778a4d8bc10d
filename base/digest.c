/* SPDX-License-Identifier: Apache-2.0 */
/* Digest values: strict text form in both directions (image-spec descriptor.md, "Digests"). */
#include "base/digest.h"

#include "base/text.h"

#include <errno.h>

static const struct {
	const char *name;
	size_t bytes;
} algs[] = {
	[DIGEST_NONE] = { "", 0 },
	[DIGEST_SHA256] = { "sha256", 32 },
	[DIGEST_SHA512] = { "sha512", 64 },
};

const char *digest_alg_name(enum digest_alg alg)
{
	return algs[alg].name;
}

size_t digest_alg_bytes(enum digest_alg alg)
{
	return algs[alg].bytes;
}

/* image-spec grammar of the algorithm part: [a-z0-9]+([+._-][a-z0-9]+)* */
static bool is_algorithm(const char *s, size_t len)
{
	bool after_separator = true;

	for (size_t i = 0; i < len; i++) {
		const bool word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');

		if (!word && (after_separator || !s[i] || !strchr("+._-", s[i])))
			return false;
		after_separator = !word;
	}
	return len && !after_separator;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int parse_hex(const char *hex, struct digest *d)
{
	for (size_t i = 0; i < algs[d->alg].bytes; i++) {
		const int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		d->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* For messages only: escaping costs more than the rest. */
#define SHOWN(s, len) text_escape((char[64]){ 0 }, 64, (s), (len))

int digest_parse(const char *s, size_t len, struct digest *ret, struct err *err)
{
	struct digest d = { 0 };
	const char *colon = memchr(s, ':', len);
	const size_t alg_len = colon ? (size_t)(colon - s) : 0;
	const size_t hex_len = colon ? len - alg_len - 1 : 0;

	if (!colon || !is_algorithm(s, alg_len) || !hex_len)
		return err_set(err, ERR_DAMAGED, "digest '%s': not of the form ALGORITHM:HEX",
			       SHOWN(s, len));
	for (int alg = DIGEST_SHA256; alg <= DIGEST_SHA512; alg++)
		if (strlen(algs[alg].name) == alg_len && !memcmp(s, algs[alg].name, alg_len))
			d.alg = (enum digest_alg)alg;
	if (d.alg == DIGEST_NONE)
		return err_set(err, ERR_UNSUPPORTED,
			       "digest '%s': only sha256 and sha512 are supported", SHOWN(s, len));
	if (hex_len != 2 * algs[d.alg].bytes)
		return err_set(err, ERR_DAMAGED, "digest '%s': %s needs %zu hex digits, not %zu",
			       SHOWN(s, len), algs[d.alg].name, 2 * algs[d.alg].bytes, hex_len);
	if (parse_hex(colon + 1, &d) < 0)
		return err_set(err, ERR_DAMAGED, "digest '%s': not lower-case hex", SHOWN(s, len));
	*ret = d;
	return 0;
}

char *digest_hex(const struct digest *d, char dst[DIGEST_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < algs[d->alg].bytes; i++) {
		dst[n++] = hex[d->bytes[i] >> 4];
		dst[n++] = hex[d->bytes[i] & 15];
	}
	dst[n] = '\0';
	return dst;
}

char *digest_text(const struct digest *d, char dst[DIGEST_TEXT_BYTES])
{
	char hex[DIGEST_TEXT_BYTES];

	snprintf(dst, DIGEST_TEXT_BYTES, "%s:%.128s", algs[d->alg].name, digest_hex(d, hex));
	return dst;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && !memcmp(a->bytes, b->bytes, algs[a->alg].bytes);
}
