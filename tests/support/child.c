/* SPDX-License-Identifier: Apache-2.0 */
/* The child of a test and how it is made worse off. */
#include "tests/support/child.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define NOBODY 65534

/* One comparison and one return a failing call, in front of "allowed". */
static int install_filter(const struct child_failure *failures)
{
	struct sock_filter code[2 + 2 * CHILD_FAILURES_MAX];
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CHILD_FAILURES_MAX && failures[i].errnum; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned)failures[i].call, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)failures[i].errnum);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { .len = n, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int limit(int what, unsigned long value)
{
	return setrlimit(what, &(struct rlimit){ value, value });
}

static int become_nobody(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0)
		return -1;
	return setresuid(NOBODY, NOBODY, NOBODY);
}

static int prepare(const struct child_setup *s)
{
	if (s->max_files && limit(RLIMIT_NOFILE, s->max_files) < 0)
		return -1;
	if (s->max_file_bytes) {
		(void)signal(SIGXFSZ, SIG_IGN);
		if (limit(RLIMIT_FSIZE, s->max_file_bytes) < 0)
			return -1;
	}
	/* Root is above RLIMIT_NPROC. */
	if ((s->unprivileged || s->no_threads) && become_nobody() < 0)
		return -1;
	if (s->no_threads && limit(RLIMIT_NPROC, 1) < 0)
		return -1;
	return s->failures[0].errnum ? install_filter(s->failures) : 0;
}

int child_run(const struct child_setup *setup, int (*fn)(void *arg), void *arg)
{
	int status = 0;

	fflush(NULL);
	const pid_t pid = fork();

	if (pid < 0)
		return 126;
	if (pid == 0) {
		if (prepare(setup) < 0) {
			perror("# child");
			_exit(126);
		}
		const int rc = fn(arg);

		fflush(NULL);
		_exit(rc);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 126;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
