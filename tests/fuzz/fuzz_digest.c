/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of any bytes: what parses is the text it prints, exactly, and has nothing that a path
 * could misread.
 */
#include "base/base64.h"
#include "base/digest.h"
#include "base/mem.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest d;
	struct err err = { 0 };
	size_t bytes;

	if (digest_parse((const char *)data, size, &d, &err) == 0) {
		const char *text = DIGEST_TEXT(&d);

		if (strlen(text) != size || memcmp(text, data, size) != 0 || strchr(text, '/'))
			abort();
	} else if (!err.kind) {
		abort();
	}
	uint8_t *_free_ plain = base64_decode((const char *)data, size, &bytes);

	if (plain) {
		char *_free_ text = base64_encode(plain, bytes);

		if (strlen(text) != size || memcmp(text, data, size) != 0)
			abort();
	}
	return 0;
}
