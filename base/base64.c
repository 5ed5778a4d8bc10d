/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 of embedded content and of credentials. The text may be a peer's; its size is bounded by
 * its document.
 */
#include "base/base64.h"

#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * Decodes one group of four, of which the last `padding` are '='. False for other characters and
 * for bits that mean nothing.
 */
static int decode_group(const char *s, unsigned padding, uint8_t out[3])
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 4; i++) {
		const int v = i < 4 - padding ? value_of(s[i]) : 0;

		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
	}
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	return (padding && out[2]) || (padding == 2 && out[1]) ? -1 : 0;
}

uint8_t *base64_decode(const char *text, size_t len, size_t *ret_bytes)
{
	if (len % 4)
		return NULL;
	uint8_t *_free_ data = xcalloc(len / 4 + 1, 3);
	unsigned padding = 0;

	if (len && text[len - 1] == '=')
		padding = text[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i += 4)
		if (decode_group(text + i, i + 4 == len ? padding : 0, data + i / 4 * 3) < 0)
			return NULL;
	*ret_bytes = len / 4 * 3 - padding;
	return TAKE_PTR(data);
}

char *base64_encode(const uint8_t *data, size_t bytes)
{
	char *text = xcalloc(bytes / 3 + 2, 4), *at = text;

	for (size_t i = 0; i < bytes; i += 3) {
		const size_t left = bytes - i;
		const uint32_t bits = (uint32_t)data[i] << 16 |
				      (uint32_t)(left > 1 ? data[i + 1] : 0) << 8 |
				      (left > 2 ? data[i + 2] : 0);

		*at++ = alphabet[bits >> 18];
		*at++ = alphabet[bits >> 12 & 63];
		*at++ = (char)(left > 1 ? alphabet[bits >> 6 & 63] : '=');
		*at++ = (char)(left > 2 ? alphabet[bits & 63] : '=');
	}
	return text;
}
