/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A helper program as a function from bytes to bytes. The child gets a process group of its own,
 * default signals and no descriptor of ours but its three; it is watched through a pidfd (Linux
 * 5.3), so neither SIGCHLD nor another waiter can be confused by it. Safe beside other threads:
 * posix_spawn, no fork.
 */
#include "sys/process.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* How soon a cancelled operation is noticed. */
#define CANCEL_POLL_MS 50

struct child {
	pid_t pid;
	int pidfd;
	int in;	 /* our end of its stdin, -1 once closed */
	int out; /* our end of its stdout, -1 after its end */
	const uint8_t *input;
	size_t input_len;
};

/* A pipe whose descriptors cannot be mistaken for the three standard ones. */
static int make_pipe(int ret[2])
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		ret[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		(void)close(fds[i]);
	}
	if (ret[0] >= 0 && ret[1] >= 0)
		return 0;
	const int saved = errno;

	for (int i = 0; i < 2; i++)
		if (ret[i] >= 0)
			(void)close(ret[i]);
	errno = saved;
	return -1;
}

static int set_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* Own group, nothing blocked, nothing ignored. Returns an errno, as posix_spawn does. */
static int spawn_with(const char *const *argv, int in, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	int rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(ret, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv,
				  environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void reap(struct child *c, int *ret_status)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	c->pid = 0;
	if (ret_status)
		*ret_status = status;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Ends the whole group when the child still runs, and forgets it. */
static void child_fini(struct child *c)
{
	if (c->pid > 0) {
		(void)kill(-c->pid, SIGKILL);
		(void)kill(c->pid, SIGKILL);
		reap(c, NULL);
	}
	shut(&c->pidfd);
	shut(&c->in);
	shut(&c->out);
}

static int child_start(struct child *c, const char *const *argv, struct err *err)
{
	_close_ int their_in = -1;
	_close_ int their_out = -1;
	int fds[2];

	if (make_pipe(fds) < 0)
		return err_sys(err, errno, "%s: pipe", TEXT_ESCAPED(argv[0]));
	their_in = fds[0];
	c->in = fds[1];
	if (make_pipe(fds) < 0)
		return err_sys(err, errno, "%s: pipe", TEXT_ESCAPED(argv[0]));
	c->out = fds[0];
	their_out = fds[1];
	if (set_nonblocking(c->in) < 0 || set_nonblocking(c->out) < 0)
		return err_sys(err, errno, "%s: pipe", TEXT_ESCAPED(argv[0]));
	const int rc = spawn_with(argv, their_in, their_out, &c->pid);

	if (rc != 0) {
		c->pid = 0;
		return err_sys(err, rc, "%s", TEXT_ESCAPED(argv[0]));
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pidfd >= 0 ? 0 : err_sys(err, errno, "%s: pidfd", TEXT_ESCAPED(argv[0]));
}

/*
 * write(2) to a pipe whose reader is gone raises SIGPIPE in this thread: blocked meanwhile, and
 * taken back before it is unblocked unless one was waiting already.
 */
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
	sigset_t pipe_only, old, pending;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	const ssize_t n = write(fd, data, len);
	const int saved = errno;

	if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0 }) < 0 &&
		       errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return n;
}

static int feed(struct child *c, struct err *err)
{
	const ssize_t n = write_quietly(c->in, c->input, c->input_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != EPIPE)
		return err_sys(err, errno, "write");
	/* EPIPE: it does not want more; its exit code tells whether that was right. */
	c->input += n < 0 ? 0 : n;
	c->input_len -= n < 0 ? c->input_len : (size_t)n;
	if (c->input_len == 0)
		shut(&c->in);
	return 0;
}

/* Takes what is there now. */
static int drain(struct child *c, struct buf *out, struct err *err)
{
	char chunk[4096];

	while (c->out >= 0) {
		const ssize_t n = read(c->out, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return err_sys(err, errno, "read");
		if (n == 0)
			shut(&c->out);
		TRY(buf_append(out, chunk, (size_t)n, err));
	}
	/* Helpers print secrets. */
	explicit_bzero(chunk, sizeof(chunk));
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long poll may wait: until the deadline, and not long while somebody may cancel. */
static int poll_ms(const struct op *op, int64_t deadline)
{
	int64_t left = deadline < 0 ? INT32_MAX : deadline - now_ms();

	if (op && left > CANCEL_POLL_MS)
		left = CANCEL_POLL_MS;
	return left < 0 ? 0 : (int)left;
}

/*
 * Moves bytes until the child has exited. Not until its stdout ends: a helper may leave an agent
 * behind that keeps it open.
 */
static int converse(struct op *op, struct child *c, unsigned timeout_ms, struct buf *out,
		    struct err *err)
{
	const int64_t deadline = timeout_ms ? now_ms() + timeout_ms : -1;

	for (;;) {
		struct pollfd fds[] = { { .fd = c->pidfd, .events = POLLIN },
					{ .fd = c->out, .events = POLLIN },
					{ .fd = c->in, .events = POLLOUT } };

		TRY(op_check(op, err));
		if (poll(fds, ARRAY_SIZE(fds), poll_ms(op, deadline)) < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
		TRY(drain(c, out, err));
		if (fds[0].revents)
			return drain(c, out, err);
		if (c->in >= 0 && fds[2].revents)
			TRY(feed(c, err));
		if (deadline >= 0 && now_ms() >= deadline)
			return err_set(err, ERR_TIMEOUT, "no answer within %u ms", timeout_ms);
	}
}

int process_run(struct op *op, const struct process_call *call, struct buf *out,
		struct process_result *ret, struct err *err)
{
	_cleanup_(child_fini) struct child c = {
		.pidfd = -1,
		.in = -1,
		.out = -1,
		.input = call->input,
		.input_len = call->input_len,
	};
	int status;

	TRY(child_start(&c, call->argv, err));
	if (c.input_len == 0)
		shut(&c.in);
	const int rc = converse(op, &c, call->timeout_ms, out, err);

	if (rc < 0) {
		(void)err_prefix(err, "%s", TEXT_ESCAPED(call->argv[0]));
		return rc;
	}
	reap(&c, &status);
	*ret = (struct process_result){
		.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		.term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	};
	return 0;
}
