/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms of any text, two a line: the text form is stable, normalising twice is normalising
 * once, everything runs itself.
 */
#include "base/mem.h"
#include "manifest/platform.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_one(const struct platform *p)
{
	struct platform _platform_ again = { 0 }, _platform_ normal = { 0 };
	char *_free_ text = platform_text(p);

	if (platform_parse(text, &again, NULL) < 0)
		abort();
	char *_free_ text_again = platform_text(&again);

	if (strcmp(text, text_again) != 0 || !platform_equal(p, &again))
		abort();
	platform_copy(p, &normal);
	platform_normalize(&normal);
	char *_free_ once = platform_text(&normal);

	platform_normalize(&normal);
	char *_free_ twice = platform_text(&normal);

	if (strcmp(once, twice) != 0 || !platform_equal(p, &normal))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *_free_ text = xmemdupz(data, size);
	char *newline = strchr(text, '\n');
	struct platform _platform_ want = { 0 }, _platform_ have = { 0 };
	struct err err = { 0 };

	if (newline)
		*newline = '\0';
	if (platform_parse(text, &want, &err) < 0)
		return 0;
	check_one(&want);
	if (strcmp(want.os, "windows") != 0 && platform_match_rank(&want, &want) != 0)
		abort();
	if (newline && platform_parse(newline + 1, &have, &err) == 0) {
		const int rank = platform_match_rank(&want, &have);

		if (rank < -1 || rank > 200)
			abort();
	}
	return 0;
}
