/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link and Warning headers of any bytes: reading ends, and what is found is a part of what was
 * there.
 */
#include "base/mem.h"
#include "net/link.h"
#include "net/warning.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *header = xmemdupz(data, size);
	_buf_ struct buf target = BUF_INIT(size);
	const char *at = header;

	if (link_next(header, &target, NULL) == 1)
		if (!target.len || !strstr(header, buf_str(&target)) ||
		    strchr(buf_str(&target), '>'))
			abort();
	for (;;) {
		_buf_ struct buf text = BUF_INIT(size);
		const char *before = at;

		if (warning_next(&at, &text, NULL) <= 0)
			break;
		if (at <= before || at > header + strlen(header))
			abort();
	}
	return 0;
}
