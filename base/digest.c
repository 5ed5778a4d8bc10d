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

/* Of a digit the value and 16, of anything else 0. */
static const uint8_t hex_digits[256] = {
	['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21,
	['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27,
	['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
};

static int parse_hex(const char *hex, struct digest *d)
{
	for (size_t i = 0; i < algs[d->alg].bytes; i++) {
		const uint8_t high = hex_digits[(uint8_t)hex[2 * i]];
		const uint8_t low = hex_digits[(uint8_t)hex[2 * i + 1]];

		if (!(high & low & 16))
			return -EINVAL;
		d->bytes[i] = (uint8_t)(high << 4 | (low & 15));
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

static void put_hex(const struct digest *d, char *to)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < algs[d->alg].bytes; i++) {
		*to++ = hex[d->bytes[i] >> 4];
		*to++ = hex[d->bytes[i] & 15];
	}
	*to = '\0';
}

char *digest_hex(const struct digest *d, char dst[DIGEST_TEXT_BYTES])
{
	put_hex(d, dst);
	return dst;
}

char *digest_text(const struct digest *d, char dst[DIGEST_TEXT_BYTES])
{
	const size_t len = strlen(algs[d->alg].name);

	memcpy(dst, algs[d->alg].name, len);
	dst[len] = ':';
	put_hex(d, dst + len + 1);
	return dst;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && !memcmp(a->bytes, b->bytes, algs[a->alg].bytes);
}
