/* SPDX-License-Identifier: Apache-2.0 */
/* Reads three numbers of a peer's. */
#include "net/range.h"

#include "base/text.h"

static bool take_number(const char **s, char after, uint64_t *ret)
{
	const size_t len = strspn(*s, "0123456789");

	if (text_parse_u64(*s, len, 10, ret) < 0 || (*s)[len] != after)
		return false;
	*s += len + (after != '\0');
	return true;
}

bool content_range_parse(const char *s, struct content_range *ret)
{
	struct content_range r = { .size = UINT64_MAX };

	if (!s || strncasecmp(s, "bytes ", 6) != 0)
		return false;
	s += 6;
	if (!take_number(&s, '-', &r.first) || !take_number(&s, '/', &r.last))
		return false;
	if (strcmp(s, "*") != 0 && !take_number(&s, '\0', &r.size))
		return false;
	if (r.last < r.first || r.last >= r.size)
		return false;
	*ret = r;
	return true;
}
