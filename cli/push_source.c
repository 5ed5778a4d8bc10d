/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source of a push. Images of the store have names of where they were pulled from: when that is
 * the registry that is pushed to, it need not be sent what it has.
 */
#include "cli/push_source.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/wire.h"
#include "store/images.h"

static int open_in_store(struct cli *cli, const char *name, struct copy_place *ret, struct err *err)
{
	_free_ char *operand = xasprintf("store:%s", name);
	_descriptor_ struct descriptor found = { 0 };
	_copy_place_ struct copy_place p = { 0 };

	TRY(copy_place_open(cli, operand, COPY_PLACE_FROM, &p, err));
	TRY(transport_resolve(p.transport, &cli->op, p.name, &found, err));
	*ret = p;
	p = (struct copy_place){ 0 };
	return 0;
}

/* No store at all is as good as one that lacks the name. */
static int not_in_store(const char *name, struct err *err)
{
	err_set(err, ERR_NOT_FOUND, "%s: not in the store", name);
	err_hint(err, "img images lists what is; img push SRC %s", name);
	return -err_class(ERR_NOT_FOUND)->errnum;
}

static int open_same(struct cli *cli, const struct reference *same, struct copy_place *ret,
		     struct err *err)
{
	_free_ char *full = reference_canonical(same), *name = reference_familiar(same);
	struct err why = { 0 };
	const int rc = open_in_store(cli, full, ret, &why);

	if (rc >= 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND)
		return not_in_store(name, err);
	*err = why;
	return rc;
}

int push_source_open(struct cli *cli, const char *operand, const struct reference *same,
		     struct copy_place *ret, struct err *err)
{
	_place_ struct place place = { 0 };
	struct err why = { 0 };

	if (!operand)
		return open_same(cli, same, ret, err);
	TRY(place_parse(operand, &place, err));
	if (place.kind != PLACE_IMAGE)
		return copy_place_open(cli, operand, COPY_PLACE_FROM, ret, err);
	const int rc = open_in_store(cli, operand, ret, &why);

	if (rc >= 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND)
		return copy_place_open(cli, operand, COPY_PLACE_FROM, ret, err);
	*err = why;
	return rc;
}

/* --- mounts ---------------------------------------------------------------------------------- */

struct search {
	const struct digest *digest; /* of the image */
	const struct reference *to;
	char *found; /* owned */
};

/* The path of "DOMAIN/PATH" when it is another repository of the registry. */
static const char *path_there(const char *repository, const struct reference *to)
{
	const size_t len = strlen(to->domain);

	if (strncmp(repository, to->domain, len) != 0 || repository[len] != '/' ||
	    strcmp(repository + len + 1, to->path) == 0)
		return NULL;
	return repository + len + 1;
}

static int look_at(void *arg, const struct image_name *name, struct err *err)
{
	struct search *s = arg;
	const char *path = path_there(name->repository, s->to);

	(void)err;
	if (!path || !digest_equal(&name->target.digest, s->digest))
		return 0;
	s->found = xstrdup(path);
	return 1;
}

char *push_source_mount(struct cli *cli, const struct copy_place *from, const struct reference *to)
{
	_descriptor_ struct descriptor target = { 0 };
	struct search search = { &target.digest, to, NULL };

	if (from->place.path)
		return NULL;
	if (strcmp(from->ref.domain, to->domain) == 0 && strcmp(from->ref.path, to->path) != 0)
		return xstrdup(from->ref.path);
	if (from->place.kind != PLACE_STORE ||
	    transport_resolve(from->transport, &cli->op, from->name, &target, NULL) < 0)
		return NULL;
	(void)images_list(cli->store, look_at, &search, NULL);
	return search.found;
}
