/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, files and programs of a home that lives as long as a test. */
#include "tests/unit/net/home.h"

#include "sys/file.h"

#include <fcntl.h>

static const char *const variables[HOME_VARIABLES] = {
	"HOME",		 "XDG_RUNTIME_DIR",    "XDG_CONFIG_HOME",
	"DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE",
	"PATH",
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

char *home_path(const struct home *h, const char *name)
{
	return xasprintf("%s/%s", h->dir, name);
}

void home_init(struct home *h)
{
	const char *tmp = getenv("TMPDIR");

	h->dir = xasprintf("%s/img-home.XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(h->dir), "mkdtemp");
	for (int i = 0; i < HOME_VARIABLES; i++) {
		const char *value = getenv(variables[i]);

		h->saved[i] = value ? xstrdup(value) : NULL;
		unsetenv(variables[i]);
	}
	char *_free_ run = home_path(h, "run");
	char *_free_ path = xasprintf("%s/bin:/usr/bin:/bin", h->dir);

	setenv("HOME", h->dir, 1);
	setenv("XDG_RUNTIME_DIR", run, 1);
	setenv("PATH", path, 1);
}

void home_fini(struct home *h)
{
	for (int i = 0; i < HOME_VARIABLES; i++) {
		if (h->saved[i])
			setenv(variables[i], h->saved[i], 1);
		else
			unsetenv(variables[i]);
		free(h->saved[i]);
	}
	char *slash = strrchr(h->dir, '/');

	*slash = '\0';
	const int _close_ above = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)file_remove_tree(above, slash + 1, NULL);
	free(h->dir);
}

static void write_file(const struct home *h, const char *name, const char *text, mode_t mode)
{
	char *_free_ path = home_path(h, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	const int _close_ dir = file_open_dir(path, true, 0755, NULL);

	must(dir >= 0, path);
	const int _close_ fd =
		openat(dir, slash + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	must(fd >= 0, name);
	must(file_write_all(fd, text, strlen(text), name, NULL) >= 0, name);
}

void home_write(const struct home *h, const char *name, const char *text)
{
	char *_free_ copy = xstrdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	write_file(h, name, copy, 0600);
}

void home_program(const struct home *h, const char *name, const char *text)
{
	write_file(h, name, text, 0755);
}

char *home_read(const struct home *h, const char *name)
{
	struct buf _buf_ out = BUF_INIT(1 << 20);
	char *_free_ path = home_path(h, name);

	if (file_read_path(path, &out, NULL) < 0)
		return NULL;
	return buf_take(&out);
}

int row_text(const char *row, const char *what, const char *want, const char *got)
{
	if (want && got ? !strcmp(want, got) : want == got)
		return 1;
	printf("#   %s: %s is \"%s\", not \"%s\"\n", row, what, got ? got : "(null)",
	       want ? want : "(null)");
	return 0;
}

int row_int(const char *row, const char *what, long long want, long long got)
{
	if (want == got)
		return 1;
	printf("#   %s: %s is %lld, not %lld\n", row, what, got, want);
	return 0;
}

int row_err(const char *row, const struct err *err, enum err_kind kind, const char *text)
{
	if (err->kind == kind && strstr(err->msg, text))
		return 1;
	printf("#   %s: %s \"%s\", not %s with \"%s\"\n", row, err_class(err->kind)->name, err->msg,
	       err_class(kind)->name, text);
	return 0;
}
