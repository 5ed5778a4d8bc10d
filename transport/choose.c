/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing from an index by what its entries say, then by what their configs say. */
#include "transport/choose.h"

#include "base/mem.h"
#include "manifest/config.h"

/* Does an entry without a platform serve what is wanted? 1 yes, 0 no. */
static int serves(const struct descriptor *entry, const struct platform *want,
		  const struct choose_reader *reader, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_buf_ struct buf config_bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };
	_image_config_ struct image_config config = { 0 };

	TRY(reader->read(reader->arg, entry, false, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, entry->media_type, &doc, err));
	if (doc.kind == DOCUMENT_INDEX)
		return 1; /* it has platforms of its own; nothing inside is an error there */
	TRY(reader->read(reader->arg, &doc.manifest.config, true, &config_bytes, err));
	TRY(image_config_parse(buf_str(&config_bytes), config_bytes.len, &config, err));
	return platform_match_rank(want, &config.platform) >= 0;
}

int choose_entry(const struct index *index, const struct platform *want,
		 const struct choose_reader *reader, const struct descriptor **ret, struct err *err)
{
	const struct descriptor *entry = NULL;
	int rc = index_choose(index, want, &entry, err);

	TRY(rc);
	while (rc == 1 && entry) {
		const int fits = serves(entry, want, reader, err);

		TRY(fits);
		if (fits)
			break;
		entry = index_next_unstated(index, entry);
	}
	if (!entry)
		return index_no_match(index, want, err);
	*ret = entry;
	return 0;
}
