/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of images. Trusts nothing, reads only what it is given. */
#include "overlay/erofs_sum.h"

#include <string.h>

static uint64_t step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0xd6e8feb86659fd93);
	return sum << 29 | sum >> 35;
}

void erofs_sum_init(struct erofs_sum *s)
{
	for (unsigned i = 0; i < EROFS_SUM_LANES; i++)
		s->lane[i] = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
}

void erofs_sum_add(struct erofs_sum *s, const void *data, size_t len)
{
	const unsigned char *p = data;
	struct erofs_sum sum = *s;

	for (; len >= EROFS_SUM_STRIPE; len -= EROFS_SUM_STRIPE, p += EROFS_SUM_STRIPE)
		for (unsigned i = 0; i < EROFS_SUM_LANES; i++) {
			uint64_t word;

			memcpy(&word, p + (size_t)i * 8, 8);
			sum.lane[i] = step(sum.lane[i], word);
		}
	*s = sum;
}

uint64_t erofs_sum_end(const struct erofs_sum *s, const void *last, size_t len)
{
	const unsigned char *p = last;
	uint64_t sum = s->lane[0];

	for (unsigned i = 1; i < EROFS_SUM_LANES; i++)
		sum = step(sum, s->lane[i]);
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, 8);
		sum = step(sum, word);
	}
	return sum;
}

uint32_t erofs_crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	/* Half a kilobyte an image: a table would not pay. */
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
	}
	return crc;
}
