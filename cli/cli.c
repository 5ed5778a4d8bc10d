/* SPDX-License-Identifier: Apache-2.0 */
/* One run of img from the command line to the exit status. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "cli/error.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/signals.h"
#include "cli/wire.h"

#include <fcntl.h>
#include <stdarg.h>

#define RETRY_DEFAULT 4
/* Of commands that say "same" and "differ" by status, as diff(1). */
#define STATUS_TROUBLE 2

/* Where log lines go while bars are on the screen. */
static struct progress_view *log_view;

static void log_sink(enum log_level level, const char *line)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	_free_ char *text = xasprintf("img: %s: %s", names[level], line);

	if (log_view)
		log_view->print(log_view, text);
}

void cli_init(struct cli *cli)
{
	*cli = (struct cli){ 0 };
	cli->globals.log_level = LOG_WARN;
	cli->net.retry = RETRY_DEFAULT;
}

void cli_fini(struct cli *cli)
{
	wire_close(cli);
	log_set_sink(NULL);
	log_view = NULL;
	progress_view_free(cli->view);
	free(cli->flags);
	free(cli->operands);
	*cli = (struct cli){ 0 };
}

void cli_note(struct cli *cli, const char *fmt, ...)
{
	_free_ char *text = NULL, *line = NULL;
	va_list ap;

	if (cli->globals.quiet)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	line = xasprintf("img: note: %s", text ? text : "");
	cli->view->print(cli->view, line);
}

/* Colour is for terminals whose user did not decline it (no-color.org). */
static bool wants_color(const struct cli *cli)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !cli->globals.no_color && !(no && *no) && term && strcmp(term, "dumb") != 0 &&
	       isatty(STDERR_FILENO);
}

static void start_talk(struct cli *cli)
{
	cli->err_is_color = wants_color(cli);
	log_set_level(cli->globals.quiet ? LOG_ERROR : (enum log_level)cli->globals.log_level);
	cli->view = progress_view_new((enum progress_mode)cli->globals.progress, STDERR_FILENO,
				      cli->globals.quiet);
	log_view = cli->view;
	log_set_sink(log_sink);
	cli->op.progress = &cli->view->sink;
	signals_install(&cli->op);
}

static int show_help(const struct cli *cli)
{
	if (cli->cmd)
		help_command(cli->cmd, stdout);
	else if (cli->family)
		help_family(cli->family, stdout);
	else
		help_overview(stdout);
	return 0;
}

static int run(struct cli *cli, struct err *err)
{
	if (cli->globals.help)
		return show_help(cli);
	if (cli->globals.version) {
		puts("img " IMG_VERSION);
		return 0;
	}
	return cli->cmd->run(cli, cli->flags, err);
}

/* Whatever failed after Ctrl-C failed because of it. */
static void settle_error(const struct cli *cli, struct err *err)
{
	if (op_is_cancelled(&cli->op) && err->kind != ERR_CANCELLED) {
		const struct err first = *err;

		err_set(err, ERR_CANCELLED, "interrupted");
		err_hint(err, "%s", first.hint);
		log_debug("after the interrupt: %s", first.msg);
	}
}

/* The reader of our output is gone: nobody to tell, nothing to add. */
static bool is_broken_pipe(const struct err *err)
{
	return err->errnum == EPIPE && !strncmp(err->msg, "standard output", 15);
}

/*
 * Who starts us with a standard stream closed would have its number given to the next file we
 * open, and our words written into the store. What is put there instead fails when it is used.
 */
static void hold_standard_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int cli_main(int argc, char **argv)
{
	struct cli cli;
	struct err err = { 0 };

	hold_standard_streams();
	cli_init(&cli);
	int rc = cli_parse(&cli, argc, argv, &err);

	start_talk(&cli);
	if (rc == 0)
		rc = run(&cli, &err);
	if (rc < 0)
		settle_error(&cli, &err);
	struct err out_err = { 0 };

	if (out_finish(&out_err) < 0 && rc >= 0) {
		rc = -out_err.errnum;
		err = out_err;
	}
	const bool color = cli.err_is_color;
	const bool compares = cli.cmd && (cli.cmd->groups & CMD_COMPARES);

	/* The bars come to rest before the error is printed below them. */
	cli_fini(&cli);
	if (rc < 0 && !is_broken_pipe(&err))
		error_print(stderr, &err, color);
	if (rc < 0 && compares && err.kind != ERR_CANCELLED)
		return STATUS_TROUBLE;
	return rc < 0 ? error_status(&err) : rc;
}
