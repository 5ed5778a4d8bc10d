/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that break off: what is given on must be the content, whole and once, or an error. */
#include "tests/unit/net/fetching.h"

#include <CUnit/CUnit.h>

#define TOTAL	1000000
#define LENGTH	"Content-Length: 1000000\r\n"
#define WHOLE	"HTTP/1.1 200 OK\r\n" LENGTH "\r\n"
#define PARTIAL "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes "
#define EMPTY	"Content-Length: 0\r\n\r\n"

/* Opens the content from an offset; the source in *ret. */
static int open_at(struct fetching *f, uint64_t offset, uint64_t *ret_offset, struct source **ret)
{
	struct fetch_body body = { .req = { .host = server_host(f->server), .path = "/blob?sig=x" },
				   .offset = offset,
				   .total_bytes = TOTAL,
				   .ret_offset = 77 };
	const int rc = fetch_open(f->fetch, &f->op, &body, ret, &f->err);

	*ret_offset = body.ret_offset;
	return rc;
}

/*
 * Reads to the end, comparing with the content from `at` on. Returns where it ended, or the error.
 */
static int64_t drain(struct source *source, uint64_t at, struct err *err)
{
	const uint8_t *data;
	ssize_t n;

	while ((n = source_next(source, &data, err)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (data[i] != server_byte(at))
				return -1000000;
	return n < 0 ? n : (int64_t)at;
}

/* Opens at an offset and drains. */
static int64_t get_from(struct fetching *f, uint64_t offset, uint64_t *ret_offset)
{
	_source_ struct source *source = NULL;
	const int rc = open_at(f, offset, ret_offset, &source);

	return rc < 0 ? rc : drain(source, *ret_offset, &f->err);
}

struct row {
	const char *name;
	uint64_t offset, want_offset;
	struct server_step steps[4];
	enum err_kind kind; /* ERR_NONE: all comes */
	const char *text;   /* in the message, or in the request `request` */
	size_t request;
};

static void check_row(const struct row *row)
{
	const struct fetch_config config = fetching_config();
	size_t count = 1;
	uint64_t offset = 0;
	_fetching_ struct fetching f;

	while (count < 4 && (row->steps[count].text || row->steps[count].fill_bytes))
		count++;
	fetching_init(&f, &config);
	f.server = server_start(row->steps, count);
	const int64_t end = get_from(&f, row->offset, &offset);

	if (row->kind) {
		CU_ASSERT_TRUE(row_int(row->name, "failed", 1, end < 0));
		CU_ASSERT_TRUE(row_err(row->name, &f.err, row->kind, row->text));
		CU_ASSERT_PTR_NULL(strstr(f.err.msg, "sig=x"));
	} else {
		CU_ASSERT_TRUE(row_int(row->name, "end", TOTAL, end));
		CU_ASSERT_TRUE(row_int(row->name, "offset", (long long)row->want_offset,
				       (long long)offset));
		CU_ASSERT_TRUE(!row->text || fetching_saw(f.server, row->request, row->text));
		/* Nothing was missed when one answer was enough. */
		CU_ASSERT_TRUE(count > 1 || row_text(row->name, "notes", "", f.notes));
	}
}

void test_fetch_body__goes_on_where_it_was(void)
{
	static const struct row rows[] = {
		{ .name = "in one piece", .steps = { { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "without a length",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n",
			       .fill_bytes = TOTAL,
			       .end = SERVER_CLOSE } } },
		{ .name = "cut off",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = PARTIAL
			       "400000-999999/1000000\r\nContent-Length: 600000\r\n\r\n",
			       .fill_from = 400000,
			       .fill_bytes = 600000 } },
		  .text = "\r\nRange: bytes=400000-\r\n",
		  .request = 1 },
		{ .name = "cut off twice, size not told",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = PARTIAL "400000-999999/*\r\nContent-Length: 600000\r\n\r\n",
			       .fill_from = 400000,
			       .fill_bytes = 1,
			       .end = SERVER_CLOSE },
			     { .text = PARTIAL "400001-999999/*\r\nContent-Length: 599999\r\n\r\n",
			       .fill_from = 400001,
			       .fill_bytes = 599999 } },
		  .text = "\r\nRange: bytes=400001-\r\n",
		  .request = 2 },
		{ .name = "less than was asked for",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = PARTIAL
			       "400000-499999/1000000\r\nContent-Length: 100000\r\n\r\n",
			       .fill_from = 400000,
			       .fill_bytes = 100000 },
			     { .text = PARTIAL
			       "500000-999999/1000000\r\nContent-Length: 500000\r\n\r\n",
			       .fill_from = 500000,
			       .fill_bytes = 500000 } } },
		{ .name = "ends early in good order",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n",
			       .fill_bytes = 400000,
			       .end = SERVER_CLOSE },
			     { .text = PARTIAL
			       "400000-999999/1000000\r\nContent-Length: 600000\r\n\r\n",
			       .fill_from = 400000,
			       .fill_bytes = 600000 } } },
		{ .name = "a server without ranges",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "a server without ranges that breaks off earlier the second time",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = WHOLE, .fill_bytes = 100000, .end = SERVER_CLOSE },
			     { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "with an ETag",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\n" LENGTH "\r\n",
			       .fill_bytes = 1,
			       .end = SERVER_CLOSE },
			     { .text = PARTIAL "1-999999/1000000\r\nContent-Length: 999999\r\n\r\n",
			       .fill_from = 1,
			       .fill_bytes = 999999 } },
		  .text = "\r\nIf-Range: \"e\"\r\n",
		  .request = 1 },
		{ .name = "busy in between",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = "HTTP/1.1 503 No\r\n" EMPTY },
			     { .text = PARTIAL
			       "400000-999999/1000000\r\nContent-Length: 600000\r\n\r\n",
			       .fill_from = 400000,
			       .fill_bytes = 600000 } } },
		{ .name = "reset when all is there",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n",
			       .fill_bytes = TOTAL,
			       .end = SERVER_CLOSE } } },
		{ .name = "refuses a range in between",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = "HTTP/1.1 416 No\r\n" EMPTY },
			     { .text = WHOLE, .fill_bytes = TOTAL } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

void test_fetch_body__from_an_offset(void)
{
	static const struct row rows[] = {
		{ .name = "a range",
		  .offset = 600000,
		  .want_offset = 600000,
		  .steps = { { .text = PARTIAL
			       "600000-999999/1000000\r\nContent-Length: 400000\r\n\r\n",
			       .fill_from = 600000,
			       .fill_bytes = 400000 } },
		  .text = "\r\nRange: bytes=600000-\r\n" },
		{ .name = "a server without ranges",
		  .offset = 600000,
		  .want_offset = 0,
		  .steps = { { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "a server without ranges that breaks off",
		  .offset = 600000,
		  .want_offset = 0,
		  .steps = { { .text = WHOLE, .fill_bytes = 10, .end = SERVER_CLOSE },
			     { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "a server that can't",
		  .offset = 600000,
		  .want_offset = 0,
		  .steps = { { .text = "HTTP/1.1 416 No\r\n" EMPTY },
			     { .text = WHOLE, .fill_bytes = TOTAL } } },
		{ .name = "all there already",
		  .offset = TOTAL,
		  .want_offset = TOTAL,
		  .steps = { { .text = "HTTP/1.1 500 not to be asked\r\n" EMPTY } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

void test_fetch_body__lies(void)
{
	static const struct row rows[] = {
		{ .name = "longer by its length",
		  .kind = ERR_DAMAGED,
		  .text = "the server has 1000001 bytes, 1000000 were promised",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n",
			       .fill_bytes = 1000001 } } },
		{ .name = "shorter by its length",
		  .kind = ERR_DAMAGED,
		  .text = "the server has 999999 bytes",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n",
			       .fill_bytes = 999999 } } },
		{ .name = "longer without a length",
		  .kind = ERR_DAMAGED,
		  .text = "goes on after the promised",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n",
			       .fill_bytes = TOTAL + 1,
			       .end = SERVER_CLOSE } } },
		{ .name = "endless",
		  .kind = ERR_DAMAGED,
		  .text = "goes on after the promised",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n", .fill_bytes = UINT64_MAX } } },
		{ .name = "always shorter",
		  .kind = ERR_DAMAGED,
		  .text = "ends after 400000 of 1000000",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n",
			       .fill_bytes = 400000,
			       .end = SERVER_CLOSE } } },
		{ .name = "nothing at all",
		  .kind = ERR_DAMAGED,
		  .text = "ends after 0 of",
		  .steps = { { .text = "HTTP/1.1 200 OK\r\n\r\n", .end = SERVER_CLOSE } } },
		{ .name = "another range",
		  .kind = ERR_DAMAGED,
		  .text = "not the range",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL "0-999999/1000000\r\n" LENGTH "\r\n",
			       .fill_bytes = TOTAL } } },
		{ .name = "another size",
		  .kind = ERR_DAMAGED,
		  .text = "the server has 2000000 bytes",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL
			       "600000-999999/2000000\r\nContent-Length: 400000\r\n\r\n",
			       .fill_bytes = 400000 } } },
		{ .name = "a range beyond the end",
		  .kind = ERR_DAMAGED,
		  .text = "not the range",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL "600000-1000000/*\r\nContent-Length: 400001\r\n\r\n",
			       .fill_bytes = 400001 } } },
		{ .name = "a range and another length",
		  .kind = ERR_DAMAGED,
		  .text = "not the range",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL "600000-999999/1000000\r\nContent-Length: 5\r\n\r\n",
			       .fill_bytes = 5 } } },
		{ .name = "no range",
		  .kind = ERR_DAMAGED,
		  .text = "Content-Range",
		  .offset = 600000,
		  .steps = { { .text = "HTTP/1.1 206 P\r\nContent-Length: 400000\r\n\r\n",
			       .fill_bytes = 400000 } } },
		{ .name = "nonsense for a range",
		  .kind = ERR_DAMAGED,
		  .text = "Content-Range",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL "x-y/z\r\nContent-Length: 400000\r\n\r\n",
			       .fill_bytes = 400000 } } },
		{ .name = "a backward range",
		  .kind = ERR_DAMAGED,
		  .text = "Content-Range",
		  .offset = 600000,
		  .steps = { { .text = PARTIAL "600000-5/1000000\r\n\r\n" } } },
		{ .name = "a part unasked",
		  .kind = ERR_DAMAGED,
		  .text = "status 206",
		  .steps = { { .text = PARTIAL "0-999999/1000000\r\n" LENGTH "\r\n",
			       .fill_bytes = TOTAL } } },
		{ .name = "no content",
		  .kind = ERR_DAMAGED,
		  .text = "status 204",
		  .steps = { { .text = "HTTP/1.1 204 No Content\r\n\r\n" } } },
		{ .name = "416 to everything",
		  .kind = ERR_DAMAGED,
		  .text = "status 416",
		  .offset = 600000,
		  .steps = { { .text = "HTTP/1.1 416 No\r\n" EMPTY } } },
		{ .name = "416 without a range",
		  .kind = ERR_DAMAGED,
		  .text = "status 416",
		  .steps = { { .text = "HTTP/1.1 416 No\r\n" EMPTY } } },
		{ .name = "gone in between",
		  .kind = ERR_NOT_FOUND,
		  .text = "not found",
		  .steps = { { .text = WHOLE, .fill_bytes = 400000, .end = SERVER_CLOSE },
			     { .text = "HTTP/1.1 404 No\r\n" EMPTY } } },
		{ .name = "an offset past the end",
		  .kind = ERR_USAGE,
		  .text = "no byte",
		  .offset = TOTAL + 1,
		  .steps = { { .text = WHOLE } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* Connections that break at once are counted; those that bring enough are not. */
void test_fetch_body__tries_without_progress_have_an_end(void)
{
	static const struct server_step steps[] = {
		{ .text = WHOLE, .fill_bytes = 10, .end = SERVER_CLOSE },
		{ .text = PARTIAL "10-999999/1000000\r\nContent-Length: 999990\r\n\r\n",
		  .end = SERVER_RESET },
	};
	const struct fetch_config config = fetching_config();
	uint64_t offset;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	CU_ASSERT_TRUE(get_from(&f, 0, &offset) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_NETWORK);
	CU_ASSERT_EQUAL(server_request_count(f.server), 3);
}

/* A few bytes a connection are no progress: it would take for ever. */
void test_fetch_body__little_progress_is_none(void)
{
	static const struct server_step steps[] = {
		{ .text = WHOLE, .fill_bytes = 10, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = 20, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = 30, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = TOTAL },
	};
	const struct fetch_config config = fetching_config();
	uint64_t offset;
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(steps, ARRAY_SIZE(steps));
	CU_ASSERT_TRUE(get_from(&f, 0, &offset) < 0);
	CU_ASSERT_EQUAL(f.err.kind, ERR_NETWORK);
	CU_ASSERT_EQUAL(server_request_count(f.server), 3);
}

void test_fetch_body__tries_with_progress_go_on(void)
{
	static const struct server_step steps[] = {
		{ .text = WHOLE, .fill_bytes = 300000, .end = SERVER_CLOSE },
		{ .text = WHOLE, .end = SERVER_CLOSE },
		{ .text = WHOLE, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = 600000, .end = SERVER_CLOSE },
		{ .text = WHOLE, .end = SERVER_CLOSE },
		{ .text = WHOLE, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = TOTAL },
	};
	struct fetch_config config = fetching_config();
	uint64_t offset;
	_fetching_ struct fetching f;

	config.retries = 3;
	fetching_init(&f, &config);
	f.server = server_start(steps, ARRAY_SIZE(steps));
	CU_ASSERT_EQUAL(get_from(&f, 0, &offset), TOTAL);
	CU_ASSERT_EQUAL(server_request_count(f.server), 7);
}

void test_fetch_body__an_empty_one(void)
{
	static const struct server_step steps[] = { { .text = "HTTP/1.1 200 OK\r\n" EMPTY } };
	const struct fetch_config config = fetching_config();
	_source_ struct source *source = NULL;
	_fetching_ struct fetching f;
	const uint8_t *data;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	struct fetch_body body = { .req = { .host = server_host(f.server), .path = "/" } };

	CU_ASSERT_EQUAL_FATAL(fetch_open(f.fetch, &f.op, &body, &source, &f.err), 0);
	CU_ASSERT_EQUAL(source_next(source, &data, &f.err), 0);
	CU_ASSERT_EQUAL(source_next(source, &data, &f.err), 0);
	source_close(TAKE_PTR(source));
}

void test_fetch_body__cancelled(void)
{
	static const struct server_step steps[] = {
		{ .text = WHOLE, .fill_bytes = 10, .end = SERVER_STALL }
	};
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;
	struct source *source = NULL;
	const uint8_t *data;
	uint64_t offset;

	fetching_init(&f, &config);
	f.server = server_start(steps, 1);
	CU_ASSERT_EQUAL_FATAL(open_at(&f, 0, &offset, &source), 0);
	CU_ASSERT_EQUAL(source_next(source, &data, &f.err), 10);
	op_cancel(&f.op);
	CU_ASSERT_EQUAL(source_next(source, &data, &f.err), -ECANCELED);
	CU_ASSERT_EQUAL(server_request_count(f.server), 1);
	source_close(source);
}

/* The request may be gone by the time a connection breaks. */
void test_fetch_body__keeps_its_own_request(void)
{
	static const struct server_step steps[] = {
		{ .text = WHOLE, .fill_bytes = 10, .end = SERVER_CLOSE },
		{ .text = WHOLE, .fill_bytes = TOTAL },
	};
	const struct fetch_config config = fetching_config();
	_fetching_ struct fetching f;
	struct source *source = NULL;
	char path[] = "/blob", name[] = "Accept", value[] = "a/b";

	fetching_init(&f, &config);
	f.server = server_start(steps, 2);
	{
		const struct http_header header = { name, value };
		struct fetch_body body = { .req = { .host = server_host(f.server),
						    .path = path,
						    .headers = &header,
						    .header_count = 1 },
					   .total_bytes = TOTAL };

		CU_ASSERT_EQUAL_FATAL(fetch_open(f.fetch, &f.op, &body, &source, &f.err), 0);
		memset(path, 'x', 5);
		memset(name, 'x', 6);
		memset(value, 'x', 3);
		memset(&body, 0xff, sizeof(body));
	}
	CU_ASSERT_EQUAL(drain(source, 0, &f.err), TOTAL);
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "GET /blob "));
	CU_ASSERT_TRUE(fetching_saw(f.server, 1, "\r\nAccept: a/b\r\n"));
	source_close(source);
}
