/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 by RFC 4648 section 4: padded, as Go's StdEncoding reads and writes it. */
#include "net/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;

	TRY(buf_reserve(out, (len + 2) / 3 * 4, err));
	for (size_t i = 0; i < len; i += 3) {
		const size_t n = len - i < 3 ? len - i : 3;
		const uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				   (n > 2 ? p[i + 2] : 0);
		const char quad[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
				       n > 1 ? alphabet[v >> 6 & 63] : '=',
				       n > 2 ? alphabet[v & 63] : '=' };

		TRY(buf_append(out, quad, 4, err));
	}
	return 0;
}

static int value_of(char c)
{
	const char *p = c ? strchr(alphabet, c) : NULL;

	return p ? (int)(p - alphabet) : -1;
}

/* Four characters, at most two of them padding at the end. Returns the bytes written, or -1. */
static int decode_quad(const char *quad, uint8_t bytes[3])
{
	const int pad = quad[3] != '=' ? 0 : quad[2] != '=' ? 1 : 2;
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		const int digit = i >= 4 - pad ? 0 : value_of(quad[i]);

		if (digit < 0)
			return -1;
		v = v << 6 | (uint32_t)digit;
	}
	bytes[0] = (uint8_t)(v >> 16);
	bytes[1] = (uint8_t)(v >> 8);
	bytes[2] = (uint8_t)v;
	return 3 - pad;
}

int base64_decode(struct buf *out, const char *text, struct err *err)
{
	char quad[4];
	size_t have = 0;
	int n = 3;

	for (; *text; text++) {
		uint8_t bytes[3];

		if (*text == '\n' || *text == '\r')
			continue;
		if (n != 3)
			return err_set(err, ERR_DAMAGED, "not base64");
		quad[have++] = *text;
		if (have < 4)
			continue;
		have = 0;
		n = decode_quad(quad, bytes);
		if (n < 0)
			return err_set(err, ERR_DAMAGED, "not base64");
		TRY(buf_append(out, bytes, (size_t)n, err));
	}
	return have ? err_set(err, ERR_DAMAGED, "not base64") : 0;
}
