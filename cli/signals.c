/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals. Handlers have no SA_RESTART: a system call that waits for a terminal or a lock comes
 * back with EINTR and finds the operation cancelled.
 */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>

/* What a second signal says: 128 + SIGINT. */
#define STATUS_INTERRUPTED 130

static struct op *root_op;
static volatile sig_atomic_t interrupts;

static void on_interrupt(int sig)
{
	const int saved = errno;

	(void)sig;
	if (interrupts)
		_exit(STATUS_INTERRUPTED);
	interrupts = 1;
	op_cancel(root_op);
	errno = saved;
}

static void take(int sig, bool even_if_ignored)
{
	struct sigaction interrupt = { .sa_handler = on_interrupt }, old;

	sigemptyset(&interrupt.sa_mask);
	if (sigaction(sig, &interrupt, &old) == 0 && !even_if_ignored && old.sa_handler == SIG_IGN)
		sigaction(sig, &old, NULL);
}

void signals_install(struct op *root)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	root_op = root;
	interrupts = 0;
	take(SIGINT, false);
	take(SIGHUP, false);
	take(SIGTERM, true);
	sigaction(SIGPIPE, &ignore, NULL);
}
