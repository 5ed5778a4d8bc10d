/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of stages: signals belong to the main thread, so these block them all. */
#ifndef IMG_STREAM_THREAD_H
#define IMG_STREAM_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* False when no thread can be made (limits); the caller then does the work itself. */
static inline bool thread_start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	const int rc = pthread_create(ret, NULL, fn, arg);

	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0;
}

#endif
