/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job pool: all run, within the bound; the first error wins and cancels; no threads, no loss.
 */
#include "base/jobs.h"

#include "base/mem.h"
#include "tests/support/child.h"

#include <CUnit/CUnit.h>
#include <pthread.h>
#include <signal.h>

struct counter {
	atomic_int started, done, running, most;
	struct jobs *jobs;
	struct op *outer;
};

static int count(struct op *op, void *arg, struct err *err)
{
	struct counter *c = arg;
	const int now = atomic_fetch_add(&c->running, 1) + 1;
	int most = atomic_load(&c->most);

	(void)op;
	(void)err;
	while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
		;
	sched_yield();
	atomic_fetch_sub(&c->running, 1);
	atomic_fetch_add(&c->done, 1);
	return 0;
}

void test_jobs__all_run_within_the_bound(void)
{
	static const unsigned threads[] = { 0, 1, 2, 7 };

	for (size_t t = 0; t < ARRAY_SIZE(threads); t++) {
		struct counter c = { 0 };
		struct jobs *jobs = jobs_new(NULL, threads[t]);
		struct err err = { 0 };

		for (int i = 0; i < 200; i++)
			jobs_add(jobs, count, &c);
		CU_ASSERT_EQUAL(jobs_wait(jobs, &err), 0);
		CU_ASSERT_EQUAL(c.done, 200);
		CU_ASSERT_TRUE(c.most >= 1 && c.most <= (int)(threads[t] ? threads[t] : 1));
		/* Again with the same pool. */
		jobs_add(jobs, count, &c);
		CU_ASSERT_EQUAL(jobs_wait(jobs, &err), 0);
		CU_ASSERT_EQUAL(c.done, 201);
		jobs_free(jobs);
	}
}

static int grow(struct op *op, void *arg, struct err *err)
{
	struct counter *c = arg;

	if (atomic_fetch_add(&c->started, 1) < 50) {
		jobs_add(c->jobs, grow, c);
		jobs_add(c->jobs, count, c);
	}
	return count(op, arg, err);
}

void test_jobs__a_job_may_add_jobs(void)
{
	struct counter c = { .jobs = jobs_new(NULL, 3) };

	jobs_add(c.jobs, grow, &c);
	CU_ASSERT_EQUAL(jobs_wait(c.jobs, NULL), 0);
	CU_ASSERT_EQUAL(c.done, 51 + 50);
	jobs_free(c.jobs);
}

static int fail(struct op *op, void *arg, struct err *err)
{
	(void)op;
	(void)arg;
	return err_set(err, ERR_DAMAGED, "the cause");
}

/* Runs until its pool is cancelled. */
static int until_cancelled(struct op *op, void *arg, struct err *err)
{
	struct counter *c = arg;

	atomic_fetch_add(&c->started, 1);
	while (!op_is_cancelled(op))
		sched_yield();
	return op_check(op, err);
}

static int fail_once_running(struct op *op, void *arg, struct err *err)
{
	struct counter *c = arg;

	while (atomic_load(&c->started) == 0)
		sched_yield();
	return fail(op, arg, err);
}

void test_jobs__the_first_error_cancels_and_is_kept(void)
{
	struct counter c = { 0 };
	struct jobs *jobs = jobs_new(NULL, 2);
	struct err err = { 0 };

	jobs_add(jobs, until_cancelled, &c);
	jobs_add(jobs, fail_once_running, &c);
	for (int i = 0; i < 20; i++)
		jobs_add(jobs, count, &c);
	CU_ASSERT_EQUAL(jobs_wait(jobs, &err), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(err.msg, "the cause");
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_EQUAL(c.done, 0);
	/* Later jobs of a failed pool are dropped, too. */
	jobs_add(jobs, count, &c);
	CU_ASSERT_EQUAL(jobs_wait(jobs, &err), -EBADMSG);
	CU_ASSERT_EQUAL(c.done, 0);
	jobs_free(jobs);
}

static int fail_silently(struct op *op, void *arg, struct err *err)
{
	(void)op;
	(void)arg;
	(void)err;
	return -ENOSPC;
}

void test_jobs__a_failure_without_words_is_a_failure(void)
{
	struct jobs *jobs = jobs_new(NULL, 1);
	struct err err = { 0 };

	jobs_add(jobs, fail_silently, NULL);
	CU_ASSERT_EQUAL(jobs_wait(jobs, &err), -ENOSPC);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	jobs_free(jobs);
}

static int cancel_outer(struct op *op, void *arg, struct err *err)
{
	struct counter *c = arg;

	op_cancel(c->outer);
	return op_check(op, err);
}

void test_jobs__the_parent_cancels(void)
{
	struct op root = { 0 };
	struct counter c = { .outer = &root };
	struct jobs *jobs = jobs_new(&root, 1);
	struct err err = { 0 };

	jobs_add(jobs, cancel_outer, &c);
	jobs_add(jobs, count, &c);
	CU_ASSERT_EQUAL(jobs_wait(jobs, &err), -ECANCELED);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
	CU_ASSERT_EQUAL(c.done, 0);
	jobs_free(jobs);
}

void test_jobs__free_cancels_what_runs(void)
{
	struct counter c = { 0 };
	struct jobs *jobs = jobs_new(NULL, 2);

	for (int i = 0; i < 10; i++)
		jobs_add(jobs, until_cancelled, &c);
	jobs_free(jobs);
	jobs_free(NULL);
	jobs_free(jobs_new(NULL, 4));
}

static int blocks_signals(struct op *op, void *arg, struct err *err)
{
	sigset_t now;

	(void)op;
	(void)err;
	sigemptyset(&now);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	*(bool *)arg = sigismember(&now, SIGINT) && sigismember(&now, SIGTERM);
	return 0;
}

void test_jobs__signals_are_for_the_main_thread(void)
{
	struct jobs *jobs = jobs_new(NULL, 1);
	bool blocked = false;
	sigset_t mine;

	jobs_add(jobs, blocks_signals, &blocked);
	jobs_wait(jobs, NULL);
	jobs_free(jobs);
	CU_ASSERT_TRUE(blocked);
	pthread_sigmask(SIG_BLOCK, NULL, &mine);
	CU_ASSERT_FALSE(sigismember(&mine, SIGINT));
}

static int without_threads(void *arg)
{
	struct counter c = { .jobs = jobs_new(NULL, 4) };
	struct err err = { 0 };
	pthread_t probe;

	(void)arg;
	CHILD_CHECK(pthread_create(&probe, NULL, (void *(*)(void *))(void *)abort, NULL) == EAGAIN);
	jobs_add(c.jobs, grow, &c);
	CHILD_CHECK(jobs_wait(c.jobs, &err) == 0);
	CHILD_CHECK(c.done == 51 + 50);
	CHILD_CHECK(c.most == 1);
	jobs_add(c.jobs, fail, NULL);
	jobs_add(c.jobs, count, &c);
	CHILD_CHECK(jobs_wait(c.jobs, &err) == -EBADMSG);
	CHILD_CHECK(c.done == 51 + 50);
	jobs_add(c.jobs, count, &c);
	jobs_free(c.jobs);
	return 0;
}

void test_jobs__without_threads_the_caller_works(void)
{
	CU_ASSERT_EQUAL(
		child_run(&(struct child_setup){ .no_threads = true }, without_threads, NULL), 0);
}
