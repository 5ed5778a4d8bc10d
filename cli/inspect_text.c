/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of `img inspect`. All text of the image is escaped. */
#include "cli/inspect.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/table.h"
#include "manifest/choose.h"

#define TEXT_BYTES_MAX DOCUMENT_BYTES_MAX

static void escaped(const char *text, FILE *out)
{
	_buf_ struct buf shown = BUF_INIT(4 * TEXT_BYTES_MAX);

	(void)text_escape_buf(&shown, text, strlen(text), NULL);
	fputs(buf_str(&shown), out);
}

/*
 * "Name:         value"; nothing when there is no value. Without a title it goes on with the line
 * before.
 */
static void line(const char *title, const char *value, FILE *out)
{
	if (!value || !*value)
		return;
	fprintf(out, "%s%s%*s", title, *title ? ":" : " ", (int)(13 - strlen(title)), "");
	escaped(value, out);
	fputc('\n', out);
}

/* A command as JSON, so that one knows where words end. */
static void words(const char *title, const struct json_strs *list, FILE *out)
{
	_buf_ struct buf text = BUF_INIT(2 * TEXT_BYTES_MAX);
	_json_ struct json *array = json_new_array();

	if (!list->count)
		return;
	for (size_t i = 0; i < list->count; i++)
		json_add(array, json_new_str(list->items[i]));
	if (json_print(array, 0, &text, NULL) < 0)
		return;
	fprintf(out, "%s:%*s%s\n", title, (int)(13 - strlen(title)), "", buf_str(&text));
}

/* One a line below the title. */
static void lines(const char *title, const struct json_strs *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++)
		line(i ? "" : title, list->items[i], out);
}

static void pairs(const char *title, const struct annotations *list, FILE *out)
{
	if (list->count)
		fprintf(out, "%s:\n", title);
	for (size_t i = 0; i < list->count; i++) {
		fputs("  ", out);
		escaped(list->items[i].key, out);
		fputc('=', out);
		escaped(list->items[i].value, out);
		fputc('\n', out);
	}
}

static void platforms(const struct document *index, FILE *out)
{
	_buf_ struct buf text = BUF_INIT(TEXT_BYTES_MAX);
	size_t others = 0, images = 0;

	for (size_t i = 0; i < index->index.manifests.count; i++) {
		const struct descriptor *d = &index->index.manifests.items[i];
		_free_ char *platform = d->platform ? platform_text(d->platform) : NULL;

		if (!index_entry_is_image(d)) {
			others++;
			continue;
		}
		(void)buf_printf(&text, NULL, "%s%s", images++ ? ", " : "",
				 platform ? platform : "not stated");
	}
	if (others)
		(void)buf_printf(&text, NULL, " (and %zu attestation%s)", others,
				 others == 1 ? "" : "s");
	line("Platforms", buf_str(&text), out);
}

static void identity(const struct image *image, const struct image_content *c, FILE *out)
{
	_free_ char *name = reference_canonical(&image->ref);
	_free_ char *platform = platform_text(&c->image.platform);

	line("Name", name, out);
	line("From",
	     image->is_layout  ? "a layout"
	     : image->is_local ? "the store"
			       : "its registry",
	     out);
	line("Digest", c->top->descriptor.digest_text, out);
	line("Media type", c->top->descriptor.media_type, out);
	if (c->top != c->manifest) {
		platforms(&c->top_doc, out);
		line("Manifest", c->manifest->descriptor.digest_text, out);
	}
	line("Artifact", c->doc.artifact_type, out);
	line(c->is_image ? "Image ID" : "Config", c->doc.manifest.config.digest_text, out);
	if (c->is_image)
		line("Platform", platform, out);
	else
		line("Config type", c->doc.manifest.config.media_type, out);
	line("Created", c->image.created, out);
	line("Author", c->image.author, out);
}

static void process(const struct image_run *run, FILE *out)
{
	words("Entrypoint", &run->entrypoint, out);
	words("Cmd", &run->cmd, out);
	line("User", run->user, out);
	line("Working dir", run->working_dir, out);
	line("Stop signal", run->stop_signal, out);
	words("Ports", &run->exposed_ports, out);
	words("Volumes", &run->volumes, out);
	words("Shell", &run->shell, out);
	words("On build", &run->on_build, out);
	if (run->healthcheck)
		words("Healthcheck", &run->healthcheck->test, out);
	lines("Env", &run->env, out);
}

static void layers(const struct image_content *c, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "#", .right = true }, { .title = "SIZE", .right = true },
		{ .title = "DIGEST" },		 { .title = "DIFFID" },
		{ .title = "MEDIA TYPE" },
	};
	const struct descriptors *list = &c->doc.manifest.layers;
	const bool has_diffids = c->image.diff_id_count == list->count;
	_table_ struct table *t = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < list->count; i++) {
		table_addf(t, "%zu", i + 1);
		table_add(t, TEXT_SIZE(list->items[i].size));
		table_addf(t, "%.19s", list->items[i].digest_text);
		table_addf(t, "%.19s", has_diffids ? DIGEST_TEXT(&c->image.diff_ids[i]) : "");
		table_add(t, list->items[i].media_type);
	}
	fprintf(out, c->is_image ? "Layers:\n" : "Blobs:\n");
	table_print(t, 2, out);
}

void inspect_text(const struct image *image, const struct image_content *content, FILE *out)
{
	const struct descriptors *list = &content->doc.manifest.layers;
	uint64_t bytes = 0;

	for (size_t i = 0; i < list->count; i++)
		if (__builtin_add_overflow(bytes, list->items[i].size, &bytes))
			bytes = UINT64_MAX;
	identity(image, content, out);
	fprintf(out, "Size:         %s in %zu %s%s\n", TEXT_SIZE(bytes), list->count,
		content->is_image ? "layer" : "blob", list->count == 1 ? "" : "s");
	process(&content->image.run, out);
	pairs("Labels", &content->image.run.labels, out);
	pairs("Annotations", &content->doc.annotations, out);
	layers(content, out);
}
