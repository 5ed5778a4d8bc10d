/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing the graph with lines, one node a line. */
#include "cli/image_tree.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Deeper than any tree that image_tree_read makes. */
#define PREFIX_BYTES 256

struct drawing {
	FILE *out;
	bool full;
};

static const char *text_of(const struct json *node, const char *key)
{
	return json_str(json_get(node, key), NULL);
}

static void put_escaped(const struct drawing *d, const char *before, const char *text)
{
	if (text)
		fprintf(d->out, "%s%s", before, TEXT_ESCAPED(text));
}

/* "sha256:" and 12 digits, or all. It may be an annotation, which is any text. */
static void put_digest(const struct drawing *d, const char *before, const char *digest)
{
	const char *colon = digest ? strchr(digest, ':') : NULL;

	if (!colon)
		return;
	_free_ char *shown =
		d->full ? xstrdup(digest)
			: xmemdupz(digest, (size_t)(colon - digest) + strnlen(colon, 13));

	put_escaped(d, before, shown);
}

static void put_node(const struct drawing *d, const struct json *node)
{
	fputs(json_str(json_get(node, "Kind"), "?"), d->out);
	put_escaped(d, " ", text_of(node, "Name"));
	put_digest(d, " ", text_of(node, "Digest"));
	if (json_get(node, "Size"))
		fprintf(d->out, "  %s", TEXT_SIZE((uint64_t)json_int(json_get(node, "Size"), 0)));
	put_escaped(d, "  ", text_of(node, "Platform"));
	put_digest(d, "  of ", text_of(node, "Subject"));
	put_escaped(d, "  ", text_of(node, "ArtifactType"));
	if (!text_of(node, "ArtifactType") && d->full)
		put_escaped(d, "  ", text_of(node, "MediaType"));
	if (json_bool(json_get(node, "Missing"), false))
		fputs("  (not there)", d->out);
	put_escaped(d, "  ", text_of(node, "Problem"));
	fputc('\n', d->out);
}

static void draw(const struct drawing *d, const struct json *node, const char *prefix);

static void draw_child(const struct drawing *d, const struct json *child, const char *prefix,
		       bool is_last)
{
	char deeper[PREFIX_BYTES];

	fprintf(d->out, "%s%s", prefix, is_last ? "└── " : "├── ");
	put_node(d, child);
	snprintf(deeper, sizeof(deeper), "%s%s", prefix, is_last ? "    " : "│   ");
	draw(d, child, deeper);
}

static void draw(const struct drawing *d, const struct json *node, const char *prefix)
{
	const struct json *children = json_get(node, "Children");
	const struct json *referrers = json_get(node, "Referrers");
	const size_t count = json_count(children), extra = json_count(referrers);

	for (size_t i = 0; i < count; i++)
		draw_child(d, json_at(children, i), prefix, i + 1 == count + extra);
	for (size_t i = 0; i < extra; i++)
		draw_child(d, json_at(referrers, i), prefix, i + 1 == extra);
}

void image_tree_draw(const struct json *root, bool full_digests, FILE *out)
{
	const struct drawing d = { out, full_digests };

	fprintf(out, "%s\n", TEXT_ESCAPED(json_str(json_get(root, "Name"), "")));
	draw(&d, root, "");
}
