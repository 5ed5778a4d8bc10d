/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers and dates of headers, of any bytes: Retry-After, RateLimit-Limit, Content-Range. */
#include "base/mem.h"
#include "net/backoff.h"
#include "net/range.h"
#include "net/reply.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xmemdupz(data, size);
	struct content_range range;
	int64_t sec = -1;
	char rate[64];

	must(backoff_retry_after(text, 0) >= -1);
	must(backoff_retry_after(text, INT64_MAX) >= -1);
	if (backoff_parse_date(text, &sec) == 0)
		must(sec >= 0 && sec < INT64_C(253402300801)); /* the year 10000 */
	if (content_range_parse(text, &range))
		must(range.first <= range.last && range.last < range.size);
	reply_rate(rate, sizeof(rate), text);
	for (const char *p = rate; *p; p++)
		must((unsigned char)*p >= ' ' && *p != 0x7f);
	return 0;
}
