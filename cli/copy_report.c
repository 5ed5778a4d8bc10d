/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and members of a copy's result. */
#include "cli/copy_report.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

void copy_report_step(const struct copy_words *words, const struct descriptor *d, bool is_there)
{
	printf("%-6s  %s  %9s  %s\n", is_there ? "exists" : words->verb, d->digest_text,
	       TEXT_SIZE(d->size), TEXT_ESCAPED(d->media_type));
}

void copy_report_line(const struct copy_words *words, const char *what, const struct copy_result *r,
		      bool dry_run)
{
	if (!dry_run) {
		printf("%s\n", what);
		return;
	}
	printf("%s: %" PRIu64 " blobs of %s and %" PRIu64 " documents to %s, %" PRIu64
	       " blobs exist\n",
	       what, r->blobs, TEXT_SIZE(r->blob_bytes), r->documents, words->verb, r->existed);
}

static void set_count(struct json *o, const char *done, const char *of, uint64_t n)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%s", done, of);
	json_set_int(o, key, (int64_t)n);
}

void copy_report_set(const struct copy_words *words, struct json *o, const struct copy_result *r,
		     bool dry_run)
{
	json_set_str(o, "Digest", r->target.digest_text);
	json_set_str(o, "MediaType", r->target.media_type);
	json_set_int(o, "Size", (int64_t)r->target.size);
	set_count(o, words->done, "Blobs", r->blobs);
	set_count(o, words->done, "Bytes", r->blob_bytes);
	json_set_int(o, "MountedBlobs", (int64_t)r->mounted);
	json_set_int(o, "ExistingBlobs", (int64_t)r->existed);
	json_set_int(o, "Documents", (int64_t)r->documents);
	json_set_int(o, "Referrers", (int64_t)r->referrers);
	json_set_bool(o, "DryRun", dry_run);
}
