/* SPDX-License-Identifier: Apache-2.0 */
/* The layers that two images do not share, and what begins a section. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/diff_report.h"
#include "cli/out.h"

void diff_begin(struct diff_report *r, const char *section)
{
	r->differs = true;
	if (r->json || !r->headings || r->section == section)
		return;
	printf("%s%s:\n", r->section ? "\n" : "", section);
	r->section = section;
}

static size_t common_count(const struct diff_report *r)
{
	const struct image_config *a = &r->a->image, *b = &r->b->image;
	size_t n = 0;

	while (n < a->diff_id_count && n < b->diff_id_count &&
	       digest_equal(&a->diff_ids[n], &b->diff_ids[n]))
		n++;
	return n;
}

bool diff_same_layers(const struct diff_report *r)
{
	return r->a->image.diff_id_count == r->b->image.diff_id_count &&
	       common_count(r) == r->a->image.diff_id_count;
}

static int put_layer(struct diff_report *r, char sign, const struct image_content *c, size_t i,
		     struct err *err)
{
	const struct image_history *made = image_config_layer_history(&c->image, i);
	const struct descriptor *blob = &c->doc.manifest.layers.items[i];
	const char *by = made && made->created_by ? made->created_by : "";

	if (r->json) {
		struct json *o = json_new_object();

		json_set_str(o, "Section", "layers");
		json_set_str(o, "Change", sign == '+' ? "A" : "D");
		json_set_int(o, "Number", (int64_t)i + 1);
		json_set_str(o, "DiffID", DIGEST_TEXT(&c->image.diff_ids[i]));
		json_set_str(o, "Digest", blob->digest_text);
		json_set_int(o, "Size", (int64_t)blob->size);
		json_set_str(o, "CreatedBy", by);
		return out_json(o, 0, err);
	}
	printf("%c %zu %s %s ", sign, i + 1, DIGEST_TEXT(&c->image.diff_ids[i]),
	       TEXT_SIZE(blob->size));
	out_escaped(by);
	putchar('\n');
	return 0;
}

int diff_layers(struct diff_report *r, struct err *err)
{
	const size_t common = common_count(r);

	if (diff_same_layers(r))
		return 0;
	diff_begin(r, "layers");
	if (r->json) {
		struct json *o = json_new_object();

		json_set_str(o, "Section", "layers");
		json_set_int(o, "Common", (int64_t)common);
		TRY(out_json(o, 0, err));
	} else {
		printf("= %zu in common\n", common);
	}
	for (size_t i = common; i < r->a->image.diff_id_count; i++)
		TRY(put_layer(r, '-', r->a, i, err));
	for (size_t i = common; i < r->b->image.diff_id_count; i++)
		TRY(put_layer(r, '+', r->b, i, err));
	return 0;
}
