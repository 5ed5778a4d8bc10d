/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry as a transport (distribution-spec, the client's side). Answers are a stranger's:
 * bounded, verified against the digest that was asked for, and never a reason to go elsewhere with
 * credentials.
 */
#ifndef IMG_REGISTRY_CLIENT_H
#define IMG_REGISTRY_CLIENT_H

#include "base/err.h"
#include "base/op.h"
#include "manifest/reference.h"
#include "net/fetch.h"
#include "transport/transport.h"

/* Most pages of a listing that are followed, and most names in it. */
#define REGISTRY_PAGES_MAX 2000
#define REGISTRY_NAMES_MAX 1000000

/*
 * The repository of `ref` (tag and digest do not matter here; its domain must not be NULL) as a
 * transport. `fetch` is borrowed and serves any number of them. Close with transport_close. The
 * result may be used by several threads at once.
 */
struct transport *registry_transport_new(struct fetch *fetch, const struct reference *ref);

/*
 * Calls fn for each repository that the registry at `host` (a domain as in a reference, "docker.io"
 * for Hub) tells of. Many registries keep this to administrators, or have none: ERR_AUTH,
 * ERR_NOT_FOUND, ERR_UNSUPPORTED.
 */
struct registry_catalog {
	struct fetch *fetch;
	const char *host;
};
int registry_list_repositories(const struct registry_catalog *catalog, struct op *op,
			       transport_name_fn *fn, void *arg, struct err *err);

/*
 * Asks the registry's front door with the credentials that `fetch` has for the host (login:
 * --creds). 0 when it lets us in; ERR_AUTH when it does not take them; ERR_UNSUPPORTED when no
 * registry answers there.
 */
int registry_check_login(struct fetch *fetch, struct op *op, const char *host, struct err *err);

#endif
