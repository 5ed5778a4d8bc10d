/* SPDX-License-Identifier: Apache-2.0 */
/* Inside registry/client*.c. */
#ifndef IMG_REGISTRY_CLIENT_PRIV_H
#define IMG_REGISTRY_CLIENT_PRIV_H

#include "registry/client.h"

#include "base/json.h"

#include <pthread.h>

/* A page of a listing, an index of referrers. */
#define REGISTRY_PAGE_BYTES_MAX ((size_t)4 << 20)

struct registry {
	struct transport base;
	struct fetch *fetch;
	char *host;	  /* that serves the API */
	char *repository; /* "docker.io/library/debian", key of credentials */
	char *name;	  /* "library/debian" */
	char *auth_key;	  /* NULL when it is the host */
	char *scope;	  /* of what is read */
	char *push_scope; /* of what is written */
	/* held while a referrers tag is read and written back */
	pthread_mutex_t referrers_lock;
};

/* A request for something of the repository; the strings are the registry's. */
struct fetch_request registry_request(const struct registry *r, const char *method,
				      const char *path);
/* Checks that a name is a tag or a digest, so that it may stand in a path. ERR_USAGE. */
int registry_check_name(const char *name, struct err *err);

/* client.c */
int registry_get_document(struct transport *t, struct op *op, const char *name,
			  struct transport_document *ret, struct err *err);
int registry_resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		     struct err *err);
/* client_blob.c */
int registry_open_blob(struct transport *t, struct op *op, struct transport_range *range,
		       struct source **ret, struct err *err);
/* client_list.c */
int registry_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
		       struct err *err);
/* client_referrers.c */
int registry_get_referrers(struct transport *t, struct op *op,
			   const struct transport_subject *subject, struct transport_document *ret,
			   struct err *err);

/* client_push.c */
int registry_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
		      struct err *err);
int registry_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
		      struct err *err);
/* client_push_document.c */
int registry_put_document(struct transport *t, struct op *op, const char *name,
			  const struct transport_document *doc, struct err *err);
/* client_remove.c */
int registry_remove_document(struct transport *t, struct op *op, const char *name, struct err *err);
int registry_remove_blob(struct transport *t, struct op *op, const struct digest *d,
			 struct err *err);

/* --- what refers to a manifest, for registries that do not keep it --- */

/* An entry of the index that stands for the referrers API. Borrowed. */
struct registry_referrer {
	const struct digest *subject;
	const struct digest *digest; /* of what refers to it */
	const struct json *entry;    /* its descriptor; NULL: to be taken out */
};
/* "ALG-HEX", at most 32 and 64 characters (distribution-spec "Referrers Tag Schema"). Free with free(). */
char *registry_referrers_tag(const struct digest *subject);
/* Puts the entry into the index under that tag, or takes it out. */
int registry_edit_referrers(struct registry *r, struct op *op,
			    const struct registry_referrer *referrer, struct err *err);

/* --- pages (client_page.c) --- */

/*
 * A listing in pages: the path of the next one and what was asked before. Value; zero but for
 * `first`.
 */
struct registry_pages {
	struct fetch_request request; /* its path is set by each page */
	char *path;		      /* owned; NULL after the last */
	char **seen;
	size_t seen_count;
};
void registry_pages_init(struct registry_pages *p, const struct fetch_request *request);
void registry_pages_fini(struct registry_pages *p);
/*
 * Asks for the page at p->path, fills `body`, and goes on to the next one by its Link. 1 when there
 * was a page, 0 after the last. ERR_DAMAGED for a Link that leads to another host or back;
 * ERR_LIMIT after REGISTRY_PAGES_MAX.
 */
int registry_pages_next(struct registry_pages *p, struct fetch *fetch, struct op *op,
			struct buf *body, struct err *err);

#endif
