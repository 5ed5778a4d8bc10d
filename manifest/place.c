/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the text of a place apart. */
#include "manifest/place.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>

static const struct {
	const char *prefix;
	const char *form; /* for errors */
	enum place_kind kind;
	bool has_path; /* PATH[:NAME]; else all of it is the name */
} forms[] = {
	{ "docker://", "docker://REF", PLACE_REGISTRY, false },
	{ "oci:", "oci:DIR[:NAME]", PLACE_OCI, true },
	{ "oci-archive:", "oci-archive:FILE[:NAME]", PLACE_OCI_ARCHIVE, true },
	{ "docker-archive:", "docker-archive:FILE[:REF]", PLACE_DOCKER_ARCHIVE, true },
	{ "store:", "store:NAME", PLACE_STORE, false },
};

void place_fini(struct place *p)
{
	if (!p)
		return;
	free(p->path);
	free(p->name);
	*p = (struct place){ 0 };
}

int place_parse(const char *text, struct place *ret, struct err *err)
{
	const char *rest = text, *form = "IMAGE", *colon = NULL;
	struct place p = { .kind = PLACE_IMAGE };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (text_starts_with(text, forms[i].prefix)) {
			p.kind = forms[i].kind;
			form = forms[i].form;
			rest = text + strlen(forms[i].prefix);
			colon = forms[i].has_path ? rest + strcspn(rest, ":") : NULL;
			break;
		}
	if (!*rest || (colon && (colon == rest || (*colon && !colon[1]))))
		return err_set(err, ERR_USAGE, "place '%s': not of the form %s", TEXT_ESCAPED(text),
			       form);
	if (colon)
		p.path = xmemdupz(rest, (size_t)(colon - rest));
	if (!colon || *colon)
		p.name = xstrdup(colon ? colon + 1 : rest);
	*ret = p;
	return 0;
}

char *place_text(const struct place *p)
{
	const char *prefix = "";

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i].kind == p->kind)
			prefix = forms[i].prefix;
	return xasprintf("%s%s%s%s", prefix, p->path ? p->path : "", p->path && p->name ? ":" : "",
			 p->name ? p->name : "");
}
