/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and output files. */
#include "cli/out.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Largest JSON document of ours: an inspect of the largest config, escaped. */
#define JSON_BYTES_MAX ((size_t)64 << 20)

static int out_error(struct err *err)
{
	return err_sys(err, errno ? errno : EIO, "standard output");
}

int out_bytes(const void *data, size_t len, struct err *err)
{
	errno = 0;
	return fwrite(data, 1, len, stdout) == len ? 0 : out_error(err);
}

int out_json(struct json *value, unsigned indent, struct err *err)
{
	_json_ struct json *owned = value;
	_buf_ struct buf text = BUF_INIT(JSON_BYTES_MAX);

	TRY(json_print(owned, indent, &text, err));
	TRY(buf_append_char(&text, '\n', err));
	return out_bytes(text.data, text.len, err);
}

/* Nothing in it that text_escape would change, which is how nearly all names are. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e || *text == '\\')
			return false;
	return true;
}

void out_escaped(const char *text)
{
	_buf_ struct buf shown = BUF_INIT(JSON_BYTES_MAX);

	if (is_plain(text)) {
		fputs(text, stdout);
		return;
	}
	(void)text_escape_buf(&shown, text, strlen(text), NULL);
	fputs(buf_str(&shown), stdout);
}

int out_finish(struct err *err)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return out_error(err);
}

static int open_standard(struct out_file *ret, struct err *err)
{
	if (isatty(STDOUT_FILENO)) {
		const int rc = err_set(err, ERR_USAGE,
				       "standard output is a terminal: it would get a binary file");

		err_hint(err, "use -o FILE, or -o - | PROGRAM");
		return rc;
	}
	*ret = (struct out_file){ .fd = STDOUT_FILENO };
	return 0;
}

/* A name beside `path` that nobody has. */
static int open_temp(struct out_file *f, struct err *err)
{
	for (int tries = 0; tries < 16; tries++) {
		uint64_t salt;

		if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
			return err_sys(err, errno, "random numbers");
		free(f->temp_path);
		f->temp_path = xasprintf("%s.%016" PRIx64 ".tmp", f->path, salt);
		f->fd = open(f->temp_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (f->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	const int errnum = errno;

	free(f->temp_path);
	f->temp_path = NULL;
	return err_sys(err, errnum, "%s", TEXT_ESCAPED(f->path));
}

int out_file_open(const char *path, struct out_file *ret, struct err *err)
{
	struct stat st;

	if (!path || !strcmp(path, "-"))
		return open_standard(ret, err);
	_out_file_ struct out_file f = { .fd = -1, .path = xstrdup(path) };

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode)) {
		TRY(open_temp(&f, err));
	} else {
		f.fd = open(path, O_WRONLY | O_CLOEXEC);
		if (f.fd < 0)
			return err_sys(err, errno, "%s", TEXT_ESCAPED(path));
	}
	*ret = f;
	f = (struct out_file){ .fd = -1 };
	return 0;
}

int out_file_commit(struct out_file *f, struct err *err)
{
	if (!f->temp_path)
		return 0;
	if (fsync(f->fd) < 0 || rename(f->temp_path, f->path) < 0)
		return err_sys(err, errno, "%s", TEXT_ESCAPED(f->path));
	free(f->temp_path);
	f->temp_path = NULL;
	return 0;
}

void out_file_close(struct out_file *f)
{
	if (f->temp_path)
		(void)unlink(f->temp_path);
	if (f->path && f->fd >= 0)
		(void)close(f->fd);
	free(f->temp_path);
	free(f->path);
	*f = (struct out_file){ .fd = -1 };
}
