/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes of any bytes, under the Content-Type of the first line: one of the two or
 * an error, never something of both; descriptors come back from their JSON; a choice is one of the
 * entries.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "manifest/choose.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptor(const struct descriptor *d)
{
	struct descriptor _descriptor_ again = { 0 };
	struct json _json_ *object = descriptor_json(d);

	if (descriptor_parse(object, "again", &again, NULL) < 0)
		abort();
	if (strcmp(d->digest_text, again.digest_text) != 0 || d->size != again.size ||
	    strcmp(d->media_type, again.media_type) != 0 || !!d->data != !!again.data ||
	    (d->data && memcmp(d->data, again.data, (size_t)d->size) != 0))
		abort();
	if (strchr(d->digest_text, '/'))
		abort();
}

static void check_descriptors(const struct descriptors *d)
{
	for (size_t i = 0; i < d->count; i++)
		check_descriptor(&d->items[i]);
}

static void check_choice(const struct index *index)
{
	struct platform _platform_ want = { 0 };
	const struct descriptor *chosen = NULL;
	struct err err = { 0 };

	platform_host(&want);
	const int rc = index_choose(index, &want, &chosen, &err);

	if (rc < 0 && err.kind != ERR_NOT_FOUND)
		abort();
	if (rc >= 0 && !index_entry_is_image(chosen))
		abort();
	if (rc >= 0 && !chosen->platform != (rc == 1))
		abort();
}

static void check(const struct document *d)
{
	if (d->kind == DOCUMENT_INDEX) {
		if (d->manifest.config.media_type || d->manifest.layers.count)
			abort();
		check_descriptors(&d->index.manifests);
		check_choice(&d->index);
	} else if (d->kind == DOCUMENT_MANIFEST) {
		if (d->index.manifests.count)
			abort();
		check_descriptor(&d->manifest.config);
		check_descriptors(&d->manifest.layers);
	} else {
		abort();
	}
	if (d->subject)
		check_descriptor(d->subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	const size_t head = newline ? (size_t)(newline - data) : 0;
	const size_t body = newline ? head + 1 : 0;
	char *_free_ type = xmemdupz(data, head);
	struct document _document_ d = { 0 };
	struct err err = { 0 };

	if (document_parse(data + body, size - body, head ? type : NULL, &d, &err) == 0)
		check(&d);
	else if (!err.kind || d.media_type)
		abort();
	return 0;
}
