/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the places of a copy: registries, the store, layouts. */
#include "cli/copy_place.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/wire.h"
#include "pull/local.h"
#include "transport/layout.h"

void copy_place_close(struct copy_place *p)
{
	transport_close(p->transport);
	reference_fini(&p->ref);
	place_fini(&p->place);
	free(p->name);
	*p = (struct copy_place){ 0 };
}

static int open_layout(struct cli *cli, enum copy_place_use use, struct copy_place *p,
		       struct err *err)
{
	const enum layout_use how = use == COPY_PLACE_FROM ? LAYOUT_READ : LAYOUT_WRITE;

	TRY(layout_open(&cli->op, p->place.path, how, &p->transport, err));
	if (p->place.name)
		p->name = xstrdup(p->place.name);
	else if (use == COPY_PLACE_FROM)
		TRY(layout_only_name(p->transport, &p->name, err));
	return 0;
}

static int open_store(struct cli *cli, enum copy_place_use use, struct copy_place *p,
		      struct err *err)
{
	struct store *store;

	TRY(wire_store(cli,
		       use == COPY_PLACE_FROM && !cli->store_is_writable ? WIRE_READ : WIRE_WRITE,
		       &store, err));
	p->transport = local_transport(store, &p->ref);
	return 0;
}

static int open_ref(struct cli *cli, const char *operand, enum copy_place_use use,
		    struct copy_place *p, struct err *err)
{
	TRY(image_parse_ref(p->place.name, &p->ref, err));
	reference_add_latest(&p->ref);
	if (use != COPY_PLACE_FROM && p->ref.digest.alg != DIGEST_NONE) {
		err_set(err, ERR_USAGE, "%s: a copy can't be told its digest",
			TEXT_ESCAPED(operand));
		err_hint(err, "name a tag; the digest stays what it is");
		return -err_class(ERR_USAGE)->errnum;
	}
	if (p->ref.digest.alg != DIGEST_NONE)
		p->name = xstrdup(DIGEST_TEXT(&p->ref.digest));
	else
		p->name = xstrdup(reference_tag_or_latest(&p->ref));
	if (p->place.kind == PLACE_STORE)
		return open_store(cli, use, p, err);
	return wire_registry(cli, &p->ref, &p->transport, err);
}

static int open_place(struct cli *cli, const char *operand, enum copy_place_use use,
		      struct copy_place *p, struct err *err)
{
	TRY(place_parse(operand, &p->place, err));
	switch (p->place.kind) {
	case PLACE_OCI:
		return open_layout(cli, use, p, err);
	case PLACE_IMAGE:
	case PLACE_REGISTRY:
	case PLACE_STORE:
		return open_ref(cli, operand, use, p, err);
	default:
		return err_set(err, ERR_UNSUPPORTED, "%s: archives can't be copied yet",
			       TEXT_ESCAPED(operand));
	}
}

int copy_place_open(struct cli *cli, const char *operand, enum copy_place_use use,
		    struct copy_place *ret, struct err *err)
{
	_copy_place_ struct copy_place p = { 0 };

	TRY(open_place(cli, operand, use, &p, err));
	*ret = p;
	p = (struct copy_place){ 0 };
	return 0;
}

static bool is_registry(const struct copy_place *p)
{
	return p->place.kind == PLACE_IMAGE || p->place.kind == PLACE_REGISTRY;
}

const char *copy_place_mount(const struct copy_place *from, const struct copy_place *to)
{
	if (!is_registry(from) || !is_registry(to) || strcmp(from->ref.domain, to->ref.domain) != 0)
		return NULL;
	return from->ref.path;
}

char *copy_place_result(const struct copy_place *p, const struct descriptor *target)
{
	if (p->place.path)
		return xasprintf("oci:%s:%s", p->place.path, target->digest_text);
	_free_ char *repository = reference_repository(&p->ref);

	return xasprintf("%s%s@%s", p->place.kind == PLACE_STORE ? "store:" : "", repository,
			 target->digest_text);
}
