/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress in its shapes. Bars are looked at on a pty; no test depends on how long anything takes.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/progress_draw.h"
#include "cli/progress_items.h"
#include "cli/progress_view.h"
#include "cli/width.h"
#include "tests/support/tmp.h"
#include "tests/unit/cli/check.h"
#include "tests/unit/cli/screen.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <pthread.h>

struct report {
	enum progress_kind kind;
	uint64_t item;
	const char *label, *state;
	uint64_t bytes, total;
};

static void send_all(struct progress_view *v, const struct report *reports, size_t count)
{
	struct op op = { .progress = &v->sink };

	for (size_t i = 0; i < count; i++) {
		const struct progress_event event = { .kind = reports[i].kind,
						      .item = reports[i].item,
						      .label = reports[i].label,
						      .state = reports[i].state,
						      .bytes = reports[i].bytes,
						      .total_bytes = reports[i].total };

		op_report(&op, &event);
	}
}

/* What a view wrote to a file. */
static char *written(enum progress_mode mode, bool quiet, const struct report *reports,
		     size_t count)
{
	_tmp_ struct tmp t = tmp_make();
	_close_ int fd = openat(t.fd, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct progress_view *v = progress_view_new(mode, fd, quiet);
	_buf_ struct buf text = BUF_INIT((size_t)1 << 20);
	char chunk[4096];

	send_all(v, reports, count);
	v->print(v, "other talk");
	progress_view_free(v);
	lseek(fd, 0, SEEK_SET);
	for (ssize_t n; (n = read(fd, chunk, sizeof(chunk))) > 0;)
		if (buf_append(&text, chunk, (size_t)n, NULL) < 0)
			abort();
	return xstrdup(buf_str(&text));
}

static const struct report pull[] = {
	{ PROGRESS_BEGIN, 1, "aaa", "waiting", 0, 2000 },
	{ PROGRESS_BEGIN, 2, "bbb", "waiting", 0, 1000 },
	{ PROGRESS_STATE, 1, NULL, "downloading", 0, 0 },
	{ PROGRESS_BYTES, 1, NULL, NULL, 500, 0 },
	{ PROGRESS_STATE, 2, NULL, "exists", 0, 0 },
	{ PROGRESS_END, 2, NULL, "exists", 0, 0 },
	{ PROGRESS_NOTE, 0, "remark", NULL, 0, 0 },
	{ PROGRESS_BYTES, 1, NULL, NULL, 2000, 0 },
	{ PROGRESS_END, 1, NULL, "done", 2000, 0 },
	{ PROGRESS_BYTES, 9, NULL, NULL, 5, 0 }, /* of no item */
};

static size_t count_lines(const char *text)
{
	size_t lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

void test_progress__plain_lines(void)
{
	_free_ char *text = written(PROGRESS_PLAIN, false, pull, ARRAY_SIZE(pull));

	/* A file is no terminal. */
	_free_ char *automatic = written(PROGRESS_AUTO, false, pull, ARRAY_SIZE(pull));

	for (char *at = text; (at = strstr(at, " in 0.")); at++)
		at[6] = '0';
	for (char *at = automatic; (at = strstr(at, " in 0.")); at++)
		at[6] = '0';
	CU_ASSERT(check_text("plain",
			     "aaa: downloading 2.0 kB\n"
			     "bbb: exists\n"
			     "img: note: remark\n"
			     "aaa: done, 2.0 kB in 0.0 s\n"
			     "other talk\n",
			     text));
	CU_ASSERT(check_text("auto", text, automatic));
}

void test_progress__none_and_quiet(void)
{
	_free_ char *none = written(PROGRESS_NONE, false, pull, ARRAY_SIZE(pull));
	_free_ char *quiet = written(PROGRESS_PLAIN, true, pull, ARRAY_SIZE(pull));

	CU_ASSERT(check_text("none", "img: note: remark\nother talk\n", none));
	CU_ASSERT(check_text("quiet", "other talk\n", quiet));
}

void test_progress__json_lines(void)
{
	_free_ char *text = written(PROGRESS_JSON, false, pull, ARRAY_SIZE(pull));
	size_t lines = 0;

	for (char *at = text; *at;) {
		char *end = strchr(at, '\n');
		_json_ struct json *line = NULL;
		struct err err = { 0 };

		CU_ASSERT_PTR_NOT_NULL_FATAL(end);
		CU_ASSERT_EQUAL(json_parse(at, (size_t)(end - at), &line, &err), 0);
		CU_ASSERT_PTR_NOT_NULL(json_str(json_get(line, "event"), NULL));
		lines++;
		at = end + 1;
	}
	CU_ASSERT(lines >= 8);
	CU_ASSERT(check_has("json",
			    "{\"event\":\"begin\",\"item\":1,\"label\":\"aaa\","
			    "\"state\":\"waiting\",\"total\":2000}\n",
			    text));
	CU_ASSERT(check_has("json",
			    "\"event\":\"end\",\"item\":1,\"label\":\"aaa\",\"state\":\"done\","
			    "\"bytes\":2000,\"total\":2000}\n",
			    text));
	CU_ASSERT(check_has("json", "{\"event\":\"note\",\"label\":\"remark\"}\n", text));
	CU_ASSERT(check_has("json", "{\"event\":\"log\",\"label\":\"other talk\"}\n", text));
}

void test_progress__json_bytes_are_throttled(void)
{
	struct report many[2001] = { { PROGRESS_BEGIN, 1, "a", NULL, 0, 4000 } };
	const uint64_t begin = progress_now_ms();
	size_t lines = 0;

	for (uint64_t i = 1; i <= 2000; i++)
		many[i] = (struct report){ PROGRESS_BYTES, 1, NULL, NULL, i, 0 };
	_free_ char *text = written(PROGRESS_JSON, false, many, ARRAY_SIZE(many));
	const uint64_t took = progress_now_ms() - begin;

	for (const char *at = text; (at = strstr(at, "\"bytes\",")); at++)
		lines++;
	CU_ASSERT(lines >= 1 && lines <= 2 + took / 100);
}

void test_progress__labels_are_escaped(void)
{
	static const struct report reports[] = {
		{ PROGRESS_BEGIN, 1, "a\033[2Jb", "x\n", 0, 0 },
		{ PROGRESS_END, 1, NULL, "done", 0, 0 },
	};
	_free_ char *text = written(PROGRESS_PLAIN, false, reports, ARRAY_SIZE(reports));

	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	CU_ASSERT(check_has("escaped", "a\\x1b[2Jb: x\\n\n", text));
}

void test_progress__counts_are_no_bytes(void)
{
	char dst[24];

	CU_ASSERT(check_text("count", "131000", progress_amount(dst, 131000, true)));
	CU_ASSERT(check_text("bytes", "131 kB", progress_amount(dst, 131000, false)));
}

void test_progress__draw_fits_any_width(void)
{
	const struct progress_line line = { .label = "layer \xe4\xb8\xad\xe6\x96\x87 0123456789",
					    .state = "downloading",
					    .bytes = 12345678,
					    .total_bytes = 987654321,
					    .rate = 12000000,
					    .left_s = 90 };

	for (size_t columns = 1; columns <= 200; columns++) {
		_buf_ struct buf out = BUF_INIT(4096);

		progress_draw(&out, &line, columns);
		CU_ASSERT(width_of(buf_str(&out), out.len) <= columns);
		CU_ASSERT(text_is_utf8(buf_str(&out), out.len));
	}
}

void test_progress__draw(void)
{
	static const struct {
		struct progress_line line;
		const char *text;
	} rows[] = {
		{ { .label = "abc", .state = "waiting" }, "abc                       waiting" },
		{ { .label = "abc", .state = "downloading", .bytes = 500, .total_bytes = 1000 },
		  "abc                       [==============>             ]     500 B / 1.0 kB    "
		  "downloading" },
		{ { .label = "abc", .bytes = 2000, .total_bytes = 1000, .rate = 5000, .left_s = 61 },
		  "abc                       [============================]    2.0 kB / 1.0 kB  "
		  "    5.0 kB/s  1:01" },
		{ { .label = "files", .bytes = 5, .total_bytes = 10, .is_count = true },
		  "files                     [==============>             ]         5 / 10      " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf out = BUF_INIT(4096);

		progress_draw(&out, &rows[i].line, 110);
		CU_ASSERT(check_text("line", rows[i].text, buf_str(&out)));
	}
}

void test_progress__bars_come_to_rest(void)
{
	struct screen *s = screen_new(100, 24);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);

	send_all(v, pull, ARRAY_SIZE(pull));
	progress_view_free(v);
	const char *text = screen_text(s);

	/*
	 * All is done: the ended items in the order of their ends or of their beginnings, then the
	 * total.
	 */
	CU_ASSERT(check_has("bars", "aaa                         2.0 kB  done\n", text));
	CU_ASSERT(check_has("bars", "bbb                       exists\n", text));
	CU_ASSERT(check_has("bars", "img: note: remark\n", text));
	CU_ASSERT(check_has("bars", "\ntotal 2/2 ", text));
	CU_ASSERT(check_has("bars", " 2.0 kB / 2.0 kB", text));
	CU_ASSERT(screen_widest(s) < 100);
	screen_free(s);
}

void test_progress__frames_go_over_each_other(void)
{
	static const struct report begin[] = {
		{ PROGRESS_BEGIN, 1, "aaa", "downloading", 0, 1000 },
		{ PROGRESS_BEGIN, 2, "bbb", "downloading", 0, 1000 },
		{ PROGRESS_BEGIN, 3, "ccc", "downloading", 0, 1000 },
	};
	static const struct report then[] = {
		{ PROGRESS_BYTES, 1, NULL, NULL, 500, 0 },
		{ PROGRESS_END, 2, NULL, "done", 1000, 0 },
		{ PROGRESS_NOTE, 0, "remark", NULL, 0, 0 },
		{ PROGRESS_END, 1, NULL, "failed", 600, 0 },
	};
	struct screen *s = screen_new(100, 24);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);

	send_all(v, begin, ARRAY_SIZE(begin));
	screen_wait_frames(s, 1);
	for (size_t i = 0; i < ARRAY_SIZE(then); i++) {
		send_all(v, &then[i], 1);
		screen_wait_frames(s, i + 2);
	}
	progress_view_free(v);
	const char *text = screen_text(s);

	CU_ASSERT(check_has(
		"frames",
		"bbb                         1.0 kB  done\n"
		"img: note: remark\n"
		"aaa                          600 B  failed\n"
		"ccc                       [                            ]       0 B / 1.0 kB  ",
		text));
	CU_ASSERT(check_has("frames", "\ntotal 2/3 ", text));
	CU_ASSERT_EQUAL(count_lines(text), 6);
	screen_free(s);
}

void test_progress__bars_of_what_was_cut_short(void)
{
	struct screen *s = screen_new(60, 24);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);

	send_all(v, pull, 5);
	progress_view_free(v);
	const char *text = screen_text(s);

	CU_ASSERT(check_has("bars", "aaa ", text));
	CU_ASSERT(check_has("bars", "\ntotal 0/2 ", text));
	CU_ASSERT(screen_widest(s) < 60);
	screen_free(s);
}

void test_progress__more_items_than_rows(void)
{
	struct screen *s = screen_new(80, 10);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);
	char label[16];

	for (uint64_t i = 1; i <= 50; i++) {
		snprintf(label, sizeof(label), "item%02" PRIu64, i);
		send_all(v, &(struct report){ PROGRESS_BEGIN, i, label, "waiting", 0, 10 }, 1);
	}
	progress_view_free(v);
	const char *text = screen_text(s);

	CU_ASSERT(check_has("rows", "item07 ", text));
	CU_ASSERT_PTR_NULL(strstr(text, "item08"));
	CU_ASSERT(check_has("rows", "... and 43 more", text));
	CU_ASSERT(check_has("rows", "total 0/50", text));
	screen_free(s);
}

struct sender {
	struct progress_view *view;
	uint64_t item;
};

static void *send_many(void *arg)
{
	const struct sender *sender = arg;
	struct op op = { .progress = &sender->view->sink };

	for (uint64_t i = 0; i <= 20000; i++) {
		const struct progress_event event = { .kind = i == 0	   ? PROGRESS_BEGIN
							      : i == 20000 ? PROGRESS_END
									   : PROGRESS_BYTES,
						      .item = sender->item,
						      .label = "many",
						      .state = i == 20000 ? "done" : "downloading",
						      .bytes = i,
						      .total_bytes = 20000 };

		op_report(&op, &event);
		if (i % 4000 == 1)
			op_note(&op, "note %" PRIu64 " of %" PRIu64, i, sender->item);
	}
	return NULL;
}

void test_progress__many_threads_few_frames(void)
{
	struct screen *s = screen_new(100, 24);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);
	struct sender senders[4];
	pthread_t threads[4];
	const uint64_t begin = progress_now_ms();

	for (size_t i = 0; i < 4; i++) {
		senders[i] = (struct sender){ v, i + 1 };
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	progress_view_free(v);
	const uint64_t took = progress_now_ms() - begin;
	const char *text = screen_text(s);
	size_t notes = 0;

	for (const char *at = text; (at = strstr(at, "img: note: note ")); at++)
		notes++;
	CU_ASSERT_EQUAL(notes, 20);
	/*
	 * Each frame goes over the one before: notes, four ended items, the total, and the cursor.
	 */
	CU_ASSERT_EQUAL(count_lines(text), 20 + 4 + 1 + 1);
	CU_ASSERT(check_has("bars", "\ntotal 4/4 ", text));
	/* Ten frames a second, the first, the last, and a note before the first item. */
	CU_ASSERT(screen_frames(s) <= took / 100 + 3);
	screen_free(s);
}

void test_progress__talk_without_items(void)
{
	struct screen *s = screen_new(100, 24);
	struct progress_view *v = progress_view_new(PROGRESS_TTY, screen_fd(s), false);

	v->print(v, "one");
	v->print(v, "two");
	progress_view_free(v);
	CU_ASSERT(check_text("talk", "one\ntwo\n", screen_text(s)));
	screen_free(s);
}
