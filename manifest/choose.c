/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing from an index by platform (image-spec image-index.md: the first among equals;
 * containerd's order of fallbacks). What an entry says of itself is only believed to find it; its
 * config has the last word.
 */
#include "manifest/choose.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* How much of the list of platforms goes into an error. */
#define LIST_BYTES_MAX 360

bool index_entry_is_image(const struct descriptor *entry)
{
	if (entry->media.kind != MEDIA_MANIFEST && entry->media.kind != MEDIA_INDEX)
		return false;
	if (descriptor_is_attestation(entry))
		return false;
	/* Signatures and the like; an image may name its config's type here. */
	return !entry->artifact_type || !*entry->artifact_type ||
	       media_classify(entry->artifact_type).kind == MEDIA_CONFIG;
}

const struct descriptor *index_next_unstated(const struct index *index,
					     const struct descriptor *entry)
{
	const struct descriptors *all = &index->manifests;

	for (size_t i = entry ? (size_t)(entry - all->items) + 1 : 0; i < all->count; i++)
		if (!all->items[i].platform && index_entry_is_image(&all->items[i]))
			return &all->items[i];
	return NULL;
}

static const struct descriptor *best_stated(const struct index *index, const struct platform *want)
{
	const struct descriptor *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct descriptor *entry = &index->manifests.items[i];

		if (!entry->platform || !index_entry_is_image(entry))
			continue;
		const int rank = platform_match_rank(want, entry->platform);

		if (rank >= 0 && (!best || rank < best_rank)) {
			best = entry;
			best_rank = rank;
		}
	}
	return best;
}

int index_choose(const struct index *index, const struct platform *want,
		 const struct descriptor **ret, struct err *err)
{
	const struct descriptor *found = best_stated(index, want);
	const bool is_stated = found;

	if (!found)
		found = index_next_unstated(index, NULL);
	if (!found)
		return index_no_match(index, want, err);
	*ret = found;
	return is_stated ? 0 : 1;
}

/* True when `text` is one of the comma-separated items. */
static bool is_listed(const char *list, const char *text)
{
	const size_t len = strlen(text);

	for (const char *at = list; (at = strstr(at, text)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* Adds the platform of one entry once; false when there is no more room. */
static bool list_entry(const struct descriptor *entry, struct buf *list)
{
	char *_free_ text = platform_text(entry->platform);
	const char *shown = TEXT_ESCAPED(text);

	if (is_listed(buf_str(list), shown))
		return true;
	return buf_printf(list, NULL, "%s%s", list->len ? ", " : "", shown) >= 0;
}

/* Returns how many entries state a platform. */
static size_t list_platforms(const struct index *index, struct buf *list, bool *ret_is_cut)
{
	size_t count = 0;

	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct descriptor *entry = &index->manifests.items[i];

		if (!entry->platform || !index_entry_is_image(entry))
			continue;
		count++;
		if (!list_entry(entry, list)) {
			*ret_is_cut = true;
			break;
		}
	}
	return count;
}

int index_no_match(const struct index *index, const struct platform *want, struct err *err)
{
	struct buf _buf_ list = BUF_INIT(LIST_BYTES_MAX);
	bool is_cut = false;
	const size_t count = list_platforms(index, &list, &is_cut);
	char *_free_ text = platform_text(want);
	char wanted[96];

	text_escape(wanted, sizeof(wanted), text, strlen(text));
	if (!count)
		return err_set(err, ERR_NOT_FOUND, "no image for %s (the index offers none)",
			       wanted);
	const int rc = err_set(err, ERR_NOT_FOUND, "no image for %s (available: %s%s)", wanted,
			       buf_str(&list), is_cut ? ", ..." : "");

	err_hint(err, "choose one of them with --platform");
	return rc;
}
