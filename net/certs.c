/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for a host's certificates by file name; what is in the files is up to the TLS library. */
#include "net/certs.h"

#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>

void certs_fini(struct certs *c)
{
	free(c->ca_dir);
	free(c->cert_file);
	free(c->key_file);
	*c = (struct certs){ 0 };
}

/* "x.cert" and ".key" make "DIR/x.key"; free with free(). */
static char *partner(const char *dir, const char *name, const char *suffix)
{
	const size_t stem = (size_t)(strrchr(name, '.') - name);

	return xasprintf("%s/%.*s%s", dir, (int)stem, name, suffix);
}

static int check_pair(const char *dir, const char *name, const char *suffix, struct err *err)
{
	_free_ char *other = partner(dir, name, suffix);

	if (access(other, F_OK) == 0)
		return 0;
	err_set(err, ERR_USAGE, "%s/%s: its partner %s is missing", dir, name, other);
	err_hint(err, "a client certificate is NAME.cert with NAME.key; a CA ends with .crt");
	return -err_class(ERR_USAGE)->errnum;
}

static int take_file(const char *dir, const char *name, struct certs *c, struct err *err)
{
	if (text_ends_with(name, ".crt") && !c->ca_dir)
		c->ca_dir = xstrdup(dir);
	if (text_ends_with(name, ".key"))
		return check_pair(dir, name, ".cert", err);
	if (!text_ends_with(name, ".cert"))
		return 0;
	TRY(check_pair(dir, name, ".key", err));
	if (!c->cert_file) {
		c->cert_file = xasprintf("%s/%s", dir, name);
		c->key_file = partner(dir, name, ".key");
	}
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int certs_read(const char *dir, struct certs *ret, struct err *err)
{
	_certs_ struct certs c = { 0 };
	struct dirent **names = NULL;
	const int count = scandir(dir, &names, is_visible, alphasort);
	int rc = 0;

	if (count < 0)
		return err_sys(err, errno, "%s", dir);
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = take_file(dir, names[i]->d_name, &c, err);
		free(names[i]);
	}
	free(names);
	TRY(rc);
	*ret = c;
	c = (struct certs){ 0 };
	return 0;
}

int certs_find(const char *const *bases, const char *host, struct certs *ret, struct err *err)
{
	for (; *bases; bases++) {
		_free_ char *dir = xasprintf("%s/%s", *bases, host);
		struct err why = { 0 };
		const int rc = certs_read(dir, ret, &why);

		if (rc == 0)
			return 0;
		if (rc != -ENOENT && rc != -ENOTDIR && rc != -EACCES) {
			if (err)
				*err = why;
			return rc;
		}
	}
	*ret = (struct certs){ 0 };
	return 0;
}

int certs_find_usual(const char *host, struct certs *ret, struct err *err)
{
	const char *home = getenv("HOME");
	_free_ char *own = NULL;
	const char *bases[4] = { 0 };
	size_t n = 0;

	if (home && home[0] == '/') {
		own = xasprintf("%s/.config/containers/certs.d", home);
		bases[n++] = own;
	}
	bases[n++] = "/etc/containers/certs.d";
	bases[n] = "/etc/docker/certs.d";
	/* A host is a name of letters, digits, dots, dashes, a port: but not ".." */
	if (host[0] == '.' || strchr(host, '/')) {
		*ret = (struct certs){ 0 };
		return 0;
	}
	return certs_find(bases, host, ret, err);
}
