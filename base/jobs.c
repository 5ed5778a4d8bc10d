/* SPDX-License-Identifier: Apache-2.0 */
/* The job pool: a queue, a lock, threads made on demand up to the bound. */
#include "base/jobs.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>

struct job {
	struct job *next;
	jobs_fn *fn;
	void *arg;
};

struct jobs {
	struct op op;
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work;  /* a job arrived, or stop */
	pthread_cond_t idle;  /* a job ended */
	struct job *head, **tail;
	size_t pending; /* queued or running */
	unsigned limit, started;
	bool stop;
	struct err first;
	pthread_t *threads;
};

static struct job *pop(struct jobs *jobs)
{
	struct job *job = jobs->head;

	jobs->head = job->next;
	if (!jobs->head)
		jobs->tail = &jobs->head;
	return job;
}

/* Runs one job outside the lock, then books its end. */
static void run(struct jobs *jobs, struct job *job)
{
	struct err err = { 0 };
	int rc = op_check(&jobs->op, &err);

	if (rc == 0)
		rc = job->fn(&jobs->op, job->arg, &err);
	free(job);
	pthread_mutex_lock(&jobs->lock);
	if (rc < 0) {
		if (err.kind == ERR_NONE)
			err_sys(&err, -rc, "job");
		/* A sibling that was only cancelled must not hide the cause. */
		if (jobs->first.kind == ERR_NONE || jobs->first.kind == ERR_CANCELLED)
			jobs->first = err;
		op_cancel(&jobs->op);
	}
	jobs->pending--;
	pthread_cond_broadcast(&jobs->idle);
}

static void *worker(void *arg)
{
	struct jobs *jobs = arg;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		while (!jobs->head && !jobs->stop)
			pthread_cond_wait(&jobs->work, &jobs->lock);
		if (!jobs->head)
			break;
		struct job *job = pop(jobs);

		pthread_mutex_unlock(&jobs->lock);
		run(jobs, job); /* returns locked */
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

struct jobs *jobs_new(struct op *parent, unsigned threads)
{
	struct jobs *jobs = NEW(struct jobs);

	jobs->op.parent = parent;
	jobs->limit = threads ? threads : 1;
	jobs->op.jobs = jobs->limit;
	jobs->tail = &jobs->head;
	jobs->threads = xcalloc(jobs->limit, sizeof(jobs->threads[0]));
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	pthread_cond_init(&jobs->idle, NULL);
	return jobs;
}

/* Signals belong to the main thread: workers block them all. */
static void start_thread(struct jobs *jobs)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&jobs->threads[jobs->started], NULL, worker, jobs) == 0)
		jobs->started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void jobs_add(struct jobs *jobs, jobs_fn *fn, void *arg)
{
	struct job *job = NEW(struct job);

	job->fn = fn;
	job->arg = arg;
	pthread_mutex_lock(&jobs->lock);
	*jobs->tail = job;
	jobs->tail = &job->next;
	jobs->pending++;
	if (jobs->started < jobs->limit && jobs->pending > jobs->started)
		start_thread(jobs);
	pthread_cond_signal(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
}

int jobs_wait(struct jobs *jobs, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&jobs->lock);
	while (jobs->pending) {
		/* No thread could be made: the caller works the queue off itself. */
		if (!jobs->started && jobs->head) {
			struct job *job = pop(jobs);

			pthread_mutex_unlock(&jobs->lock);
			run(jobs, job); /* returns locked */
			continue;
		}
		pthread_cond_wait(&jobs->idle, &jobs->lock);
	}
	if (jobs->first.kind != ERR_NONE) {
		if (err)
			*err = jobs->first;
		rc = -jobs->first.errnum;
	}
	pthread_mutex_unlock(&jobs->lock);
	return rc;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	op_cancel(&jobs->op);
	(void)jobs_wait(jobs, NULL);
	pthread_mutex_lock(&jobs->lock);
	jobs->stop = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned i = 0; i < jobs->started; i++)
		pthread_join(jobs->threads[i], NULL);
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->work);
	pthread_cond_destroy(&jobs->idle);
	free(jobs->threads);
	free(jobs);
}
