/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops. Each fault that is tried is one row of the table below times the number of calls of
 * its kind; where those are many, every k-th is taken, always the same ones.
 */
#include "tests/fault/sweep.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK 1
#endif
#endif
#ifdef HAS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

/* Points tried of one row: the sanitizers are slow. */
#if defined(__SANITIZE_THREAD__)
#define POINTS_MAX	4
#define KILL_POINTS_MAX 15
#elif defined(__SANITIZE_ADDRESS__)
#define POINTS_MAX	10
#define KILL_POINTS_MAX 40
#else
#define POINTS_MAX	100
#define KILL_POINTS_MAX 150
#endif
#define STUCK_SECONDS  60
#define COMPLAINTS_MAX 12

struct fault {
	enum inject_kind kind;
	enum inject_how how;
	int errnum;
	bool must_work; /* the operation does not fail of it */
};

static const struct fault faults[] = {
	{ INJECT_OPEN, INJECT_ONCE, EMFILE, false },
	{ INJECT_OPEN, INJECT_FROM, EMFILE, false },
	{ INJECT_OPEN, INJECT_ONCE, EIO, false },
	{ INJECT_CREATE, INJECT_ONCE, EMFILE, false },
	{ INJECT_CREATE, INJECT_FROM, ENOSPC, false },
	{ INJECT_OPENAT2, INJECT_ONCE, EMFILE, false },
	{ INJECT_OPENAT2, INJECT_FROM, EIO, false },
	{ INJECT_OPENAT2, INJECT_ONCE, EAGAIN, true },
	{ INJECT_DUP, INJECT_ONCE, EMFILE, false },
	{ INJECT_MEMFD, INJECT_ONCE, EMFILE, false },
	{ INJECT_PIPE, INJECT_ONCE, EMFILE, false },
	{ INJECT_PIDFD, INJECT_ONCE, EMFILE, false },
	{ INJECT_FDOPENDIR, INJECT_ONCE, ENOMEM, false },
	{ INJECT_READDIR, INJECT_ONCE, EIO, false },
	{ INJECT_READ, INJECT_ONCE, EIO, false },
	{ INJECT_READ, INJECT_FROM, EIO, false },
	{ INJECT_READ, INJECT_ONCE, EINTR, true },
	{ INJECT_READ, INJECT_SHORT, 0, true },
	{ INJECT_WRITE, INJECT_ONCE, ENOSPC, false },
	{ INJECT_WRITE, INJECT_FROM, ENOSPC, false },
	{ INJECT_WRITE, INJECT_ONCE, EIO, false },
	{ INJECT_WRITE, INJECT_ONCE, EINTR, true },
	{ INJECT_WRITE, INJECT_SHORT, 0, true },
	{ INJECT_COPY, INJECT_ONCE, EIO, false },
	{ INJECT_COPY, INJECT_ONCE, ENOSPC, false },
	{ INJECT_COPY, INJECT_ONCE, EXDEV, true },
	{ INJECT_COPY, INJECT_ONCE, EINTR, true },
	{ INJECT_COPY, INJECT_SHORT, 0, true },
	{ INJECT_SENDFILE, INJECT_ONCE, EIO, false },
	{ INJECT_SENDFILE, INJECT_ONCE, ENOSPC, false },
	{ INJECT_SENDFILE, INJECT_ONCE, EINVAL, true },
	{ INJECT_SENDFILE, INJECT_ONCE, EINTR, true },
	{ INJECT_SENDFILE, INJECT_SHORT, 0, true },
	{ INJECT_SYNC, INJECT_ONCE, EIO, false },
	{ INJECT_SYNC, INJECT_FROM, ENOSPC, false },
	{ INJECT_TRUNCATE, INJECT_ONCE, EIO, false },
	{ INJECT_CLOSE, INJECT_ONCE, EIO, false },
	{ INJECT_MMAP, INJECT_ONCE, ENOMEM, false },
	{ INJECT_MMAP, INJECT_FROM, ENOMEM, false },
	{ INJECT_STAT, INJECT_ONCE, EIO, false },
	{ INJECT_STAT, INJECT_FROM, ENOMEM, false },
	{ INJECT_ACCESS, INJECT_ONCE, EIO, false },
	{ INJECT_READLINK, INJECT_ONCE, EIO, false },
	{ INJECT_STATVFS, INJECT_ONCE, EIO, true },
	{ INJECT_RENAME, INJECT_ONCE, EIO, false },
	{ INJECT_RENAME, INJECT_ONCE, EINVAL, false }, /* no RENAME_NOREPLACE */
	{ INJECT_RENAME, INJECT_FROM, ENOSPC, false },
	{ INJECT_LINK, INJECT_ONCE, EMLINK, false },
	{ INJECT_SYMLINK, INJECT_ONCE, ENOSPC, false },
	{ INJECT_MKNOD, INJECT_ONCE, ENOSPC, false },
	{ INJECT_MKDIR, INJECT_ONCE, ENOSPC, false },
	{ INJECT_UNLINK, INJECT_ONCE, EIO, false },
	{ INJECT_UNLINK, INJECT_FROM, EIO, false },
	{ INJECT_CHMOD, INJECT_ONCE, EIO, false },
	{ INJECT_CHOWN, INJECT_ONCE, EIO, false },
	{ INJECT_XATTR, INJECT_ONCE, ENOSPC, false },
	{ INJECT_TIMES, INJECT_ONCE, EIO, false },
	{ INJECT_FLOCK, INJECT_ONCE, ENOLCK, false },
	{ INJECT_FLOCK, INJECT_ONCE, EINTR, true },
	{ INJECT_RECORD_LOCK, INJECT_ONCE, ENOLCK, false },
	{ INJECT_POLL, INJECT_ONCE, ENOMEM, false },
	{ INJECT_POLL, INJECT_ONCE, EINTR, true },
	{ INJECT_SPAWN, INJECT_ONCE, EAGAIN, false },
	{ INJECT_WAIT, INJECT_ONCE, EINTR, true },
	{ INJECT_RANDOM, INJECT_ONCE, EIO, false },
	{ INJECT_THREAD, INJECT_ONCE, EAGAIN, true },
	{ INJECT_THREAD, INJECT_FROM, EAGAIN, true },
	{ INJECT_MOUNT, INJECT_ONCE, ENOMEM, false },
	{ INJECT_MOUNT, INJECT_ONCE, EINVAL, false },
	{ INJECT_MOUNT, INJECT_FROM, EPERM, false },
	{ INJECT_UMOUNT, INJECT_ONCE, EBUSY, false },
	{ INJECT_UMOUNT, INJECT_FROM, EPERM, false },
	{ INJECT_MOUNT_ID, INJECT_ONCE, EIO, false },
	{ INJECT_IOCTL, INJECT_ONCE, EIO, false },
	{ INJECT_IOCTL, INJECT_FROM, ENOTTY, false },
	{ INJECT_CLONE, INJECT_ONCE, EAGAIN, false },
	{ INJECT_HINT, INJECT_FROM, EIO, true },
	{ INJECT_BUFFER, INJECT_ONCE, ENOMEM, false },
	{ INJECT_BUFFER, INJECT_FROM, ENOMEM, false },
	{ INJECT_DB_MEMORY, INJECT_ONCE, ENOMEM, false },
	{ INJECT_DB_MEMORY, INJECT_FROM, ENOMEM, false },
};

/* One sweep under way. */
struct sweep {
	const struct sweep_op *op;
	char at[160]; /* the fault that is being tried, for people */
	bool untidy;  /* as of struct sweep_state, until the next prepare */
	unsigned cases, failed, worked, complaints;
};

/* --- what went wrong --- */

static void complain(struct sweep *s, const char *what, const char *detail)
{
	if (s->complaints++ < COMPLAINTS_MAX)
		printf("#   %s: %s: %s%s%s\n", s->op->name, s->at, what, detail ? ": " : "",
		       detail ? detail : "");
	fflush(stdout);
}

/* For the handler alone, which can be told nothing. */
static struct {
	const struct sweep *volatile sweep;
} watched;

/* Only before the end, so printing is worth its risk. */
static void on_stuck(int signum)
{
	(void)signum;
	fprintf(stderr, "# stuck: %s: %s\n", watched.sweep->op->name, watched.sweep->at);
	abort();
}

static void watch(const struct sweep *s)
{
	watched.sweep = s;
	(void)signal(SIGALRM, on_stuck);
	(void)alarm(STUCK_SECONDS);
}

static void unwatch(void)
{
	(void)alarm(0);
	(void)signal(SIGALRM, SIG_DFL);
}

/* --- what must be as before --- */

struct resources {
	unsigned fds, threads;
};

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static struct resources take_stock(void)
{
	return (struct resources){ count_entries("/proc/self/fd"),
				   count_entries("/proc/self/task") };
}

/* A thread that was joined may be listed for a moment yet. */
static void compare_stock(struct sweep *s, struct resources before)
{
	struct resources now = take_stock();

	for (int i = 0; i < 5000 && now.threads > before.threads; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		now = take_stock();
	}
	if (now.fds != before.fds)
		complain(s, "descriptors are left", NULL);
	if (now.threads != before.threads)
		complain(s, "threads are left", NULL);
	if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD)
		complain(s, "a child is left", NULL);
}

static void check_leaks(struct sweep *s)
{
#ifdef HAS_LEAK_CHECK
	if (__lsan_do_recoverable_leak_check())
		complain(s, "memory is leaked", "see the report");
#else
	(void)s;
#endif
}

/* --- one attempt --- */

static bool has_breaks(const char *text)
{
	return strpbrk(text, "\n\r") != NULL;
}

/* A failure has a kind, an errno that is the result, and one line of text; success has nothing. */
static void check_contract(struct sweep *s, int rc, const struct err *err)
{
	if (rc >= 0) {
		if (err->kind != ERR_NONE || err->errnum || err->msg[0])
			complain(s, "worked, with an error", err->msg);
		return;
	}
	if (err->kind == ERR_NONE || err->kind >= ERR_KIND_COUNT)
		complain(s, "an error without a kind", err->msg);
	if (err->errnum <= 0 || rc != -err->errnum)
		complain(s, "the result is not the error's errno", err->msg);
	if (!err->msg[0] || has_breaks(err->msg))
		complain(s, "no message of one line", err->msg);
}

/* A full disk is told from other failures, by the exit code too. */
static void check_kind(struct sweep *s, const struct fault *f, const struct err *err)
{
	if (f->errnum == ENOSPC && !s->op->no_disk && err->kind != ERR_NO_SPACE)
		complain(s, "a full disk is not called one", err->msg);
	if (f->must_work)
		complain(s, "failed of what it could have borne", err->msg);
}

static void check_state(struct sweep *s, enum sweep_end end)
{
	const struct sweep_state state = { end, s->untidy };
	const char *wrong = s->op->check(s->op->arg, state);

	if (wrong)
		complain(s, end == SWEEP_DONE ? "after it worked" : "after the fault", wrong);
}

static void clean_up(struct sweep *s)
{
	const char *wrong = s->op->cleanup(s->op->arg);

	if (wrong)
		complain(s, "at the end", wrong);
}

static void prepare(struct sweep *s)
{
	s->untidy = false;
	s->op->prepare(s->op->arg);
}

/* The same again, and nothing fails. */
static void retry(struct sweep *s)
{
	struct err err = { 0 };

	if (s->op->start_over) {
		clean_up(s);
		prepare(s);
	}
	const int rc = s->op->run(s->op->arg, &err);

	check_contract(s, rc, &err);
	if (rc < 0)
		complain(s, "and again without a fault", err.msg);
	else
		check_state(s, SWEEP_DONE);
}

/* Without its lock a file that was just made may be somebody else's already. */
static bool is_untidy(const struct fault *f)
{
	return f->kind == INJECT_UNLINK || f->kind == INJECT_STAT || f->kind == INJECT_FLOCK ||
	       f->kind == INJECT_UMOUNT;
}

static void try_fault(struct sweep *s, const struct fault *f, uint64_t n)
{
	const char *only = getenv("IMG_FAULT_ONLY");
	static const char *const how[] = { "", " once", " from there on", " by half", "" };
	const struct inject_plan plan = { f->kind, f->how, f->errnum, n };
	struct resources before;
	struct err err = { 0 };

	snprintf(s->at, sizeof(s->at), "%s %" PRIu64 "%s%s%s", inject_kind_name(f->kind), n,
		 how[f->how], f->errnum ? " " : "", f->errnum ? strerrorname_np(f->errnum) : "");
	if (only && strcmp(only, s->at) != 0)
		return;
	watch(s);
	before = take_stock();
	prepare(s);
	s->untidy = is_untidy(f);
	inject_arm(&plan);
	const int rc = s->op->run(s->op->arg, &err);

	(void)inject_disarm();
	check_contract(s, rc, &err);
	if (rc < 0) {
		check_kind(s, f, &err);
		check_state(s, SWEEP_FAILED);
		retry(s);
	} else {
		check_state(s, SWEEP_DONE);
	}
	clean_up(s);
	compare_stock(s, before);
	unwatch();
	s->cases++;
	s->failed += rc < 0;
	s->worked += rc >= 0;
}

/* --- the sweeps --- */

/* Without any fault, twice: what is loaded or set up once is done then. Fills counts. */
static bool run_clean(struct sweep *s, uint64_t counts[INJECT_KIND_COUNT + 1])
{
	static const struct inject_plan none = { .how = INJECT_NEVER };
	int rc = 0;

	snprintf(s->at, sizeof(s->at), "no fault");
	watch(s);
	for (int i = 0; i < 2 && rc >= 0; i++) {
		struct err err = { 0 };

		prepare(s);
		inject_arm(&none);
		rc = s->op->run(s->op->arg, &err);
		(void)inject_disarm();
		check_contract(s, rc, &err);
		if (rc < 0)
			complain(s, "does not work at all", err.msg);
		else
			check_state(s, SWEEP_DONE);
		clean_up(s);
	}
	for (unsigned k = 0; k <= INJECT_KIND_COUNT; k++)
		counts[k] = inject_count((enum inject_kind)k);
	unwatch();
	return rc >= 0;
}

static uint64_t stride_of(const struct sweep_op *op, uint64_t count, uint64_t max)
{
	const char *all = getenv("IMG_FAULT_ALL");

	if (op->points && op->points < max)
		max = op->points;

	return (all && !strcmp(all, "1")) || count <= max ? 1 : (count + max - 1) / max;
}

void sweep_faults(const struct sweep_op *op)
{
	struct sweep s = { .op = op };
	uint64_t counts[INJECT_KIND_COUNT + 1];
	bool clean = run_clean(&s, counts);
	uint64_t all = 0;

	for (size_t i = 0; clean && i < ARRAY_SIZE(faults); i++) {
		if (op->whole_writes && faults[i].kind == INJECT_WRITE &&
		    faults[i].how == INJECT_SHORT)
			continue;
		const uint64_t count = counts[faults[i].kind];
		const uint64_t stride = stride_of(op, count, POINTS_MAX);

		all += count;
		for (uint64_t n = 1; n <= count; n += stride)
			try_fault(&s, &faults[i], n);
	}
	check_leaks(&s);
	printf("#   %s: %" PRIu64 " calls; %u of %" PRIu64
	       " faults tried: %u made it fail, %u did not\n",
	       op->name, counts[INJECT_ANY], s.cases, all, s.failed, s.worked);
	CU_ASSERT_EQUAL(s.complaints, 0);
}

/* In the child: runs until the n-th call. */
static void run_and_die(const struct sweep_op *op, uint64_t n) __attribute__((noreturn));
static void run_and_die(const struct sweep_op *op, uint64_t n)
{
	const struct inject_plan plan = { INJECT_ANY, INJECT_KILL, 0, n };
	struct err err = { 0 };

	inject_arm(&plan);
	_exit(op->run(op->arg, &err) < 0 ? 1 : 0);
}

static void try_kill(struct sweep *s, uint64_t n)
{
	int status = 0;

	snprintf(s->at, sizeof(s->at), "killed at call %" PRIu64, n);
	watch(s);
	prepare(s);
	fflush(NULL);
	const pid_t pid = fork();

	if (pid == 0)
		run_and_die(s->op, n);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		s->failed++;
		s->untidy = true;
		check_state(s, SWEEP_KILLED);
		retry(s);
	} else if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		complain(s, "the child did not work", NULL);
	} else {
		s->worked++;
		check_state(s, SWEEP_DONE);
	}
	clean_up(s);
	unwatch();
	s->cases++;
}

void sweep_kills(const struct sweep_op *op)
{
	struct sweep s = { .op = op };
	uint64_t counts[INJECT_KIND_COUNT + 1];
	const bool clean = run_clean(&s, counts);
	const uint64_t count = counts[INJECT_ANY], stride = stride_of(op, count, KILL_POINTS_MAX);

	for (uint64_t n = 1; clean && n <= count; n += stride)
		try_kill(&s, n);
	printf("#   %s: %" PRIu64 " calls; killed at %u of them, too late for %u\n", op->name,
	       count, s.failed, s.worked);
	CU_ASSERT_EQUAL(s.complaints, 0);
}
