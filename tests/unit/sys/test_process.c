/* SPDX-License-Identifier: Apache-2.0 */
/* Helper programs: bytes in and out, bounds, ends of every kind. */
#include "sys/process.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/support/child.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Long enough never to be what ends a test. */
#define PATIENCE_MS 60000

static int run_shell(const char *script, struct buf *out, struct process_result *ret,
		     struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct process_call call = { .argv = argv, .timeout_ms = PATIENCE_MS };

	return process_run(NULL, &call, out, ret, err);
}

void test_process__input_goes_in_and_output_comes_out(void)
{
	const char *const argv[] = { "tr", "a-z", "A-Z", NULL };
	const struct process_call call = {
		.argv = argv, .input = "hello", .input_len = 5, .timeout_ms = PATIENCE_MS
	};
	_buf_ struct buf out = BUF_INIT(100);
	struct process_result result = { 77, 77 };
	struct err err = { 0 };

	CU_ASSERT_EQUAL(process_run(NULL, &call, &out, &result, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "HELLO");
	CU_ASSERT_EQUAL(result.exit_code, 0);
	CU_ASSERT_EQUAL(result.term_signal, 0);
}

void test_process__more_than_pipes_hold_both_ways(void)
{
	const size_t len = (size_t)1 << 20;
	_free_ char *input = xcalloc(len, 1);
	const char *const argv[] = { "cat", NULL };
	const struct process_call call = {
		.argv = argv, .input = input, .input_len = len, .timeout_ms = PATIENCE_MS
	};
	_buf_ struct buf out = BUF_INIT(len);
	struct process_result result;
	struct op op = { 0 };

	for (size_t i = 0; i < len; i++)
		input[i] = (char)(i * 31 >> 3);
	CU_ASSERT_EQUAL(process_run(&op, &call, &out, &result, NULL), 0);
	CU_ASSERT_EQUAL(out.len, len);
	CU_ASSERT_EQUAL(memcmp(out.data, input, len), 0);
}

void test_process__exit_codes_and_signals(void)
{
	_buf_ struct buf out = BUF_INIT(100);
	struct process_result result;

	CU_ASSERT_EQUAL(run_shell("echo no; exit 3", &out, &result, NULL), 0);
	CU_ASSERT_TRUE(result.exit_code == 3 && result.term_signal == 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "no\n");
	CU_ASSERT_EQUAL(run_shell("kill -9 $$", &out, &result, NULL), 0);
	CU_ASSERT_TRUE(result.exit_code == -1 && result.term_signal == SIGKILL);
}

void test_process__no_such_program(void)
{
	const char *const none[] = { "docker-credential-none-such", NULL };
	const char *const folder[] = { "/tmp", NULL };
	_buf_ struct buf out = BUF_INIT(100);
	struct process_result result;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(process_run(NULL, &(struct process_call){ .argv = none }, &out, &result,
				    &err),
			-ENOENT);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "docker-credential-none-such: "));
	CU_ASSERT_EQUAL(process_run(NULL, &(struct process_call){ .argv = folder }, &out, &result,
				    &err),
			-EACCES);
	CU_ASSERT_EQUAL(err.kind, ERR_DENIED);
}

/* A process is gone when it is a zombie or nothing; its reaper may be slow. */
static bool is_gone(pid_t pid)
{
	_free_ char *path = xasprintf("/proc/%d/stat", pid);
	char text[512] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return true;
	const size_t n = fread(text, 1, sizeof(text) - 1, f);

	(void)fclose(f);
	const char *state = n ? strrchr(text, ')') : NULL;

	return !state || state[2] == 'Z' || state[2] == 'X';
}

static pid_t pid_in(const struct buf *out)
{
	uint64_t pid = 0;
	const size_t len = strcspn(buf_str(out), "\n");

	CU_ASSERT_EQUAL_FATAL(text_parse_u64(buf_str(out), len, 10, &pid), 0);
	return (pid_t)pid;
}

/* SIGKILL is sent before process_run returns; until it has worked takes a moment. */
static void check_killed(pid_t pid)
{
	for (int i = 0; i < 10000 && !is_gone(pid); i++)
		(void)poll(NULL, 0, 1);
	CU_ASSERT_TRUE(is_gone(pid));
}

void test_process__too_much_output_ends_it(void)
{
	_buf_ struct buf out = BUF_INIT(1000);
	struct process_result result;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(run_shell("echo $$; exec yes", &out, &result, &err), -E2BIG);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	CU_ASSERT_STRING_EQUAL(err.msg, "sh: more than 1000 bytes");
}

void test_process__timeout_ends_the_whole_group(void)
{
	const char *const argv[] = { "sh", "-c", "sleep 1000 & echo $!; exec sleep 1000", NULL };
	const struct process_call call = { .argv = argv, .timeout_ms = 300 };
	_buf_ struct buf out = BUF_INIT(1000);
	struct process_result result;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(process_run(NULL, &call, &out, &result, &err), -ETIMEDOUT);
	CU_ASSERT_EQUAL(err.kind, ERR_TIMEOUT);
	CU_ASSERT_STRING_EQUAL(err.msg, "sh: no answer within 300 ms");
	/* On a machine too busy to start a shell in that time there is nobody to look for. */
	if (out.len)
		check_killed(pid_in(&out));
}

static void *cancel_soon(void *arg)
{
	(void)poll(NULL, 0, 20);
	op_cancel(arg);
	return NULL;
}

void test_process__cancelling_ends_it(void)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	_buf_ struct buf out = BUF_INIT(1000);
	struct op op = { 0 };
	struct process_result result;
	struct err err = { 0 };
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_soon, &op), 0);
	CU_ASSERT_EQUAL(process_run(&op, &(struct process_call){ .argv = argv }, &out, &result,
				    &err),
			-ECANCELED);
	pthread_join(thread, NULL);
	/* Before it started. */
	CU_ASSERT_EQUAL(process_run(&op, &(struct process_call){ .argv = argv }, &out, &result,
				    &err),
			-ECANCELED);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
}

/* `pass` starts gpg-agent, which keeps the pipe open and stays. */
void test_process__an_agent_left_behind_does_not_hold_it_up(void)
{
	_buf_ struct buf out = BUF_INIT(1000);
	struct process_result result;

	CU_ASSERT_EQUAL(run_shell("sleep 1000 & echo $!", &out, &result, NULL), 0);
	CU_ASSERT_EQUAL(result.exit_code, 0);
	const pid_t agent = pid_in(&out);

	CU_ASSERT_FALSE(is_gone(agent));
	CU_ASSERT_EQUAL(kill(agent, SIGKILL), 0);
}

void test_process__input_nobody_reads_is_dropped(void)
{
	const size_t len = (size_t)1 << 20;
	_free_ char *input = xcalloc(len, 1);
	const char *const argv[] = { "sh", "-c", "exec <&-; echo done", NULL };
	const struct process_call call = {
		.argv = argv, .input = input, .input_len = len, .timeout_ms = PATIENCE_MS
	};
	_buf_ struct buf out = BUF_INIT(100);
	struct process_result result;
	struct err err = { 0 };
	sigset_t pending;

	CU_ASSERT_EQUAL(process_run(NULL, &call, &out, &result, &err), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "done\n");
	sigpending(&pending);
	CU_ASSERT_FALSE(sigismember(&pending, SIGPIPE));
}

static int with_everything_odd(void *arg)
{
	const char *const argv[] = { "sh", "-c",
				     "ls /proc/self/fd | tr '\\n' ' '; kill -INT $$; echo alive",
				     NULL };
	const struct process_call call = { .argv = argv, .timeout_ms = PATIENCE_MS };
	_buf_ struct buf out = BUF_INIT(1000);
	struct process_result result;
	struct err err = { 0 };
	sigset_t all;

	(void)arg;
	/*
	 * What the caller of the tests left open, then: no standard descriptors, everything blocked
	 * or ignored, files open.
	 */
	CHILD_CHECK(close_range(3, ~0u, 0) == 0);
	CHILD_CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) == 3);
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	(void)signal(SIGINT, SIG_IGN);
	CHILD_CHECK(process_run(NULL, &call, &out, &result, &err) == 0);
	/* 0, 1, 2 and the folder that ls reads. */
	CHILD_CHECK(!strcmp(buf_str(&out), "0 1 2 3 "));
	CHILD_CHECK(result.term_signal == SIGINT);
	return 0;
}

void test_process__starts_from_a_clean_slate(void)
{
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ 0 }, with_everything_odd, NULL), 0);
}

static int without_descriptors(void *arg)
{
	struct rlimit limit = { 6, 6 };
	const char *const argv[] = { "true", NULL };
	_buf_ struct buf out = BUF_INIT(10);
	struct process_result result;
	struct err err = { 0 };

	(void)arg;
	CHILD_CHECK(close_range(3, ~0u, 0) == 0);
	const int first = 3;

	for (rlim_t n = 3; n < 9; n++) {
		limit = (struct rlimit){ n, 20 };
		CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		const int rc = process_run(NULL, &(struct process_call){ .argv = argv }, &out,
					   &result, &err);

		CHILD_CHECK(rc == 0 || rc == -EMFILE || rc == -EINVAL);
	}
	limit.rlim_cur = 20;
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHILD_CHECK(process_run(NULL, &(struct process_call){ .argv = argv }, &out, &result,
				&err) == 0);
	/* None was lost on the way. */
	CHILD_CHECK(dup(0) == first);
	return 0;
}

void test_process__out_of_descriptors(void)
{
	CU_ASSERT_EQUAL(child_run(&(struct child_setup){ 0 }, without_descriptors, NULL), 0);
}
