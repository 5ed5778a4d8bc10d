/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.d: the folder with a host's own certificates (containers-certs.d(5)): *.crt are further
 * roots, NAME.cert and NAME.key are a client pair. The files are the user's or the administrator's.
 */
#ifndef IMG_NET_CERTS_H
#define IMG_NET_CERTS_H

#include "base/err.h"

/* Value; owns its strings. NULL: there is none. */
struct certs {
	char *ca_dir;
	char *cert_file, *key_file;
};
void certs_fini(struct certs *c);
static inline void certs_fini_p(struct certs *c)
{
	certs_fini(c);
}
#define _certs_ __attribute__((cleanup(certs_fini_p)))

/*
 * Reads one folder. Of several client pairs the first by name is taken, libcurl sends but one.
 * ERR_USAGE when a *.cert has no *.key or the other way round, ERR_NOT_FOUND when there is no such
 * folder.
 */
int certs_read(const char *dir, struct certs *ret, struct err *err);
/*
 * Reads the first folder BASE/HOST that is there; *ret is empty when none is. A folder we may not
 * read counts as absent, as /etc/docker/certs.d is often root's alone. `bases` ends with NULL.
 */
int certs_find(const char *const *bases, const char *host, struct certs *ret, struct err *err);
/*
 * The same in the usual places: $HOME/.config/containers/certs.d, /etc/containers/certs.d,
 * /etc/docker/certs.d.
 */
int certs_find_usual(const char *host, struct certs *ret, struct err *err);

#endif
