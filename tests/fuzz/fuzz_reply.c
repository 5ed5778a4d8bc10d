/* SPDX-License-Identifier: Apache-2.0 */
/* Error bodies of any bytes: one line comes out, and a terminal obeys none of it. */
#include "base/mem.h"
#include "base/text.h"
#include "net/reply.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { NULL, "application/json", "text/plain" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct reply reply = { (const char *)data, size, types[i] };
		char text[320];

		reply_text(text, sizeof(text), &reply);
		for (const char *p = text; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				abort();
	}
	return 0;
}
