/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: levels and the sink. */
#include "base/log.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

static struct {
	unsigned lines;
	enum log_level level;
	char text[2000];
} seen;

static void take(enum log_level level, const char *line)
{
	seen.lines++;
	seen.level = level;
	snprintf(seen.text, sizeof(seen.text), "%s", line);
}

static int evaluated(void)
{
	seen.lines += 100;
	return 1;
}

void test_log__only_what_the_level_asks_for(void)
{
	memset(&seen, 0, sizeof(seen));
	log_set_sink(take);
	log_set_level(LOG_WARN);
	log_info("no");
	log_debug("%d", evaluated()); /* costs nothing when off */
	CU_ASSERT_EQUAL(seen.lines, 0);
	log_warn("slow %s", "disk");
	CU_ASSERT_TRUE(seen.lines == 1 && seen.level == LOG_WARN);
	CU_ASSERT_STRING_EQUAL(seen.text, "slow disk");
	log_set_level(LOG_DEBUG);
	log_debug("d%d", 1);
	CU_ASSERT_TRUE(seen.lines == 2 && seen.level == LOG_DEBUG);
	CU_ASSERT_TRUE(log_is_on(LOG_DEBUG));
	log_set_level(LOG_WARN);
	log_set_sink(NULL);
}

void test_log__long_lines_are_cut(void)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(&seen, 0, sizeof(seen));
	log_set_sink(take);
	log_warn("%s", text);
	log_set_sink(NULL);
	CU_ASSERT_EQUAL(seen.lines, 1);
	CU_ASSERT_EQUAL(strlen(seen.text), 1023);
}
