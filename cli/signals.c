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

void signals_install(struct op *root)
{
	struct sigaction interrupt = { .sa_handler = on_interrupt };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	root_op = root;
	interrupts = 0;
	sigemptyset(&interrupt.sa_mask);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &interrupt, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}
