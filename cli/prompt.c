/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and passwords. The terminal gets its echo back on every way out, Ctrl-C included. */
#include "cli/prompt.h"

#include "base/buf.h"
#include "base/mem.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>

#define LINE_BYTES_MAX ((size_t)64 << 10)

static int no_terminal(struct err *err)
{
	const int rc = err_set(err, ERR_USAGE, "there is no terminal to ask at");

	err_hint(err, "use --username and --password-stdin");
	return rc;
}

/*
 * Waits until there is something to read. Signals only come in while it waits: one that came
 * between the question and the wait would otherwise be noticed after the answer, that is never.
 */
static int wait_input(int fd, const struct op *op, struct err *err)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	sigset_t stops, old;
	int rc;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stops, &old);
	rc = op_check(op, err);
	while (rc == 0 && ppoll(&in, 1, NULL, &old) < 0)
		rc = errno == EINTR ? op_check(op, err) : err_sys(err, errno, "terminal");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

/* Byte by byte: what follows the line is not ours. Wipes what it leaves behind. */
static int read_line(int fd, const struct op *op, char **ret, struct err *err)
{
	_buf_ struct buf line = BUF_INIT(LINE_BYTES_MAX);
	int rc = buf_reserve(&line, LINE_BYTES_MAX, err); /* never moved, so nothing is left */

	while (rc == 0 && (rc = wait_input(fd, op, err)) == 0) {
		char c;
		const ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_sys(err, errno, "terminal");
		else if (n == 0 || c == '\n')
			break;
		else
			rc = buf_append_char(&line, c, err);
	}
	if (rc == 0)
		*ret = xmemdupz(buf_str(&line), line.len);
	if (line.data)
		explicit_bzero(line.data, line.len);
	return rc;
}

static int ask(int fd, const struct op *op, const char *question, char **ret, struct err *err)
{
	if (write(fd, question, strlen(question)) < 0)
		return err_sys(err, errno, "terminal");
	return read_line(fd, op, ret, err);
}

int prompt_line(const struct op *op, const char *question, bool secret, char **ret, struct err *err)
{
	_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios old, quiet;

	if (fd < 0)
		return no_terminal(err);
	if (!secret)
		return ask(fd, op, question, ret, err);
	if (tcgetattr(fd, &old) < 0)
		return no_terminal(err);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return err_sys(err, errno, "terminal");
	const int rc = ask(fd, op, question, ret, err);

	tcsetattr(fd, TCSAFLUSH, &old);
	(void)!write(fd, "\n", 1);
	return rc;
}

int prompt_stdin(char **ret, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(LINE_BYTES_MAX);
	int rc = buf_reserve(&text, LINE_BYTES_MAX, err);

	while (rc == 0) {
		char chunk[4096];
		const ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

		if (n > 0)
			rc = buf_append(&text, chunk, (size_t)n, err);
		explicit_bzero(chunk, sizeof(chunk));
		if (n == 0)
			break;
		if (n < 0)
			rc = err_sys(err, errno, "standard input");
	}
	size_t len = text.len;

	if (len && text.data[len - 1] == '\n')
		len--;
	if (len && text.data[len - 1] == '\r')
		len--;
	if (rc == 0)
		*ret = xmemdupz(buf_str(&text), len);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return rc;
}
