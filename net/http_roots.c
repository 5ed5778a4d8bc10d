/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates to trust. libcurl takes one file of them and replaces its own with it, so roots
 * from certs.d or from the environment are put together with the system's into a file in memory:
 * the same path each time lets libcurl reuse connections and what it parsed.
 *
 * system's own:   $SSL_CERT_FILE and every file in the folders of $SSL_CERT_DIR (colon-separated)
 * if one of them is set (as in Go,
 *			OpenSSL and curl), else the bundle libcurl was built for
 *	then:		every *.crt of the host's folder
 *
 * What is in the files is between the user and the TLS library; here they are only bounded.
 */
#include "net/http_priv.h"

#include "base/text.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ROOT_FILE_BYTES_MAX ((size_t)4 << 20)
#define ROOTS_BYTES_MAX	    ((size_t)16 << 20)

static const char pem_begin[] = "-----BEGIN ";

void http_roots_free(struct roots *roots)
{
	while (roots) {
		struct roots *next = roots->next;

		if (roots->fd >= 0)
			(void)close(roots->fd);
		free(roots->ca_dir);
		free(roots);
		roots = next;
	}
}

static int read_up_to(int fd, const char *path, struct buf *out, struct err *err)
{
	const size_t start = out->len;

	for (;;) {
		TRY(buf_reserve(out, 65536, err));
		const ssize_t n = read(fd, out->data + out->len, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "%s", path);
		if (!n)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > ROOT_FILE_BYTES_MAX)
			return err_set(err, ERR_LIMIT, "%s: too large for certificates", path);
	}
}

/*
 * Appends a PEM file. A file without a certificate is left out, or refused when it `must` have one.
 */
static int add_file(struct buf *out, int dir, const char *name, bool must, struct err *err)
{
	_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const size_t start = out->len;
	struct stat st;

	if (fd < 0 && !must)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", name);
	if (!S_ISREG(st.st_mode) && !must)
		return 0;
	TRY(read_up_to(fd, name, out, err));
	if (memmem(out->data + start, out->len - start, pem_begin, strlen(pem_begin)))
		return buf_append_char(out, '\n', err);
	out->len = start;
	if (must)
		return err_set(err, ERR_USAGE, "%s: no certificate in PEM form", name);
	return 0;
}

/* OpenSSL's hashed names beside the real ones: links within the folder. */
static bool is_alias(int dir, const char *name)
{
	char target[256];
	const ssize_t n = readlinkat(dir, name, target, sizeof(target));

	return n > 0 && !memchr(target, '/', (size_t)n);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_crt(const struct dirent *entry)
{
	return visible(entry) && text_ends_with(entry->d_name, ".crt");
}

static int add_each(struct buf *out, int dir, struct dirent *const *names, bool only_crt,
		    struct err *err)
{
	for (; *names; names++)
		if (only_crt || !is_alias(dir, (*names)->d_name))
			TRY(add_file(out, dir, (*names)->d_name, only_crt, err));
	return 0;
}

/*
 * The files of a folder, in the order of their names: those called *.crt, which must hold
 * certificates, or all that do.
 */
static int add_dir(struct buf *out, const char *path, bool only_crt, struct err *err)
{
	_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int rc, count;

	if (dir < 0)
		return err_sys(err, errno, "%s", path);
	count = scandirat(dir, ".", &names, only_crt ? is_crt : visible, alphasort);
	if (count < 0)
		return err_sys(err, errno, "%s", path);
	names = xreallocarray(names, (size_t)count + 1, sizeof(struct dirent *));
	names[count] = NULL;
	rc = add_each(out, dir, names, only_crt, err);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

/* $SSL_CERT_DIR; a folder that is not there is left out. */
static int add_dirs(struct buf *out, const char *list, struct err *err)
{
	while (*list) {
		const size_t len = strcspn(list, ":");
		_free_ char *path = xmemdupz(list, len);

		if (len && access(path, R_OK | X_OK) == 0)
			TRY(add_dir(out, path, false, err));
		list += len + (list[len] == ':');
	}
	return 0;
}

static int add_system(struct http_client *client, struct buf *out, struct err *err)
{
	const curl_version_info_data *about = client->curl.version_info(CURLVERSION_NOW);
	const char *usual[] = { about->age >= CURLVERSION_SEVENTH ? about->cainfo : NULL,
				"/etc/ssl/certs/ca-certificates.crt",
				"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
				"/etc/ssl/cert.pem" };
	const char *file = getenv("SSL_CERT_FILE");
	const char *dirs = getenv("SSL_CERT_DIR");

	if (file && *file)
		TRY(add_file(out, AT_FDCWD, file, true, err));
	if (dirs && *dirs)
		TRY(add_dirs(out, dirs, err));
	if ((file && *file) || (dirs && *dirs))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(usual) && !out->len; i++)
		if (usual[i])
			TRY(add_file(out, AT_FDCWD, usual[i], false, err));
	return 0;
}

static int write_memory_file(struct roots *roots, const struct buf *pem, struct err *err)
{
	roots->fd = memfd_create("img-roots", MFD_CLOEXEC);
	if (roots->fd < 0)
		return err_sys(err, errno, "memory for certificates");
	snprintf(roots->path, sizeof(roots->path), "/proc/self/fd/%d", roots->fd);
	return file_write_all(roots->fd, buf_str(pem), pem->len, "memory for certificates", err);
}

static int roots_make(struct http_client *client, const char *ca_dir, struct roots **ret,
		      struct err *err)
{
	_buf_ struct buf pem = BUF_INIT(ROOTS_BYTES_MAX);
	struct roots *roots;
	int rc;

	TRY(add_system(client, &pem, err));
	if (ca_dir)
		TRY(add_dir(&pem, ca_dir, true, err));
	roots = NEW(struct roots);
	roots->ca_dir = xstrdup(ca_dir ? ca_dir : "");
	rc = write_memory_file(roots, &pem, err);
	if (rc < 0) {
		http_roots_free(roots);
		return rc;
	}
	*ret = roots;
	return 0;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

int http_roots(struct http_client *client, const char *ca_dir, const char **ret_path,
	       struct err *err)
{
	struct roots *roots;
	int rc = 0;

	if (!ca_dir && !is_set("SSL_CERT_FILE") && !is_set("SSL_CERT_DIR")) {
		*ret_path = NULL;
		return 0;
	}
	pthread_mutex_lock(&client->lock);
	for (roots = client->roots; roots; roots = roots->next)
		if (strcmp(roots->ca_dir, ca_dir ? ca_dir : "") == 0)
			break;
	if (!roots) {
		rc = roots_make(client, ca_dir, &roots, err);
		if (rc == 0) {
			roots->next = client->roots;
			client->roots = roots;
		}
	}
	pthread_mutex_unlock(&client->lock);
	if (rc == 0)
		*ret_path = roots->path;
	return rc;
}
