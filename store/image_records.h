/* SPDX-License-Identifier: Apache-2.0 */
/* The records of image names as values: keys, and what stands in a record. See images.h. */
#ifndef IMG_STORE_IMAGE_RECORDS_H
#define IMG_STORE_IMAGE_RECORDS_H

#include "base/digest.h"
#include "base/err.h"
#include "manifest/descriptor.h"
#include "store/records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* repo/<name>/_m/...: value, owns its strings. */
struct manifest_record {
	struct digest digest; /* from the key */
	uint64_t generation;
	char *media_type;
	uint64_t size;
	int64_t stored_at;
	bool by_digest;		    /* somebody asked for it by digest: it needs no tag */
	struct json_strs manifests; /* digests as text: what an index reaches and is present */
	bool is_reached, is_below, is_gone; /* marks, not stored */
};

/* repo/<name>/_t/...: value, owns its strings. */
struct tag_record {
	char *tag; /* from the key */
	uint64_t generation;
	struct descriptor target;
	int64_t stored_at;
};

void manifest_record_fini(struct manifest_record *m);
void tag_record_fini(struct tag_record *t);

static inline void manifest_record_fini_p(struct manifest_record *m)
{
	manifest_record_fini(m);
}
#define _manifest_record_ __attribute__((cleanup(manifest_record_fini_p)))

static inline void tag_record_fini_p(struct tag_record *t)
{
	tag_record_fini(t);
}
#define _tag_record_ __attribute__((cleanup(tag_record_fini_p)))

/* A key, in an array. */
struct record_key {
	char text[RECORD_KEY_MAX + 1];
};
/*
 * The keys. `name` and `tag` come from a parsed reference; what could not (an empty component, one
 * that starts with '_' or '.') is ERR_USAGE, what is too long ERR_LIMIT.
 */
int manifest_key(const char *name, const struct digest *d, struct record_key *ret, struct err *err);
int tag_key(const char *name, const char *tag, struct record_key *ret, struct err *err);
int catalog_key(const char *name, struct record_key *ret, struct err *err);

/* Reads one; ERR_NOT_FOUND, ERR_DAMAGED. Into uninitialised values. */
int manifest_record_get(struct records *r, const char *name, const struct digest *d,
			struct manifest_record *ret, struct err *err);
int tag_record_get(struct records *r, const char *name, const char *tag, struct tag_record *ret,
		   struct err *err);
/* Writes one as new (generation 0) or in place of that generation. */
int manifest_record_put(struct records *r, const char *name, const struct manifest_record *m,
			struct err *err);
int tag_record_put(struct records *r, const char *name, const struct tag_record *t,
		   struct err *err);

/* Adds a digest to what an index reaches. Returns whether it was not there. */
bool manifest_record_add(struct manifest_record *m, const struct digest *d);

/* All records of a repository; manifests sorted by digest, tags by name. Owns them. */
struct repository {
	struct manifest_record *manifests;
	size_t manifest_count;
	struct tag_record *tags;
	size_t tag_count;
};
int repository_load(struct records *r, const char *name, struct repository *ret, struct err *err);
void repository_fini(struct repository *repo);

static inline void repository_fini_p(struct repository *repo)
{
	repository_fini(repo);
}
#define _repository_ __attribute__((cleanup(repository_fini_p)))

struct manifest_record *repository_find(const struct repository *repo, const struct digest *d);
/*
 * Marks the manifest and all below it, as far as they are there and not gone: is_reached, or
 * is_below when `below`.
 */
void repository_mark(struct repository *repo, const struct digest *d, bool below);

#endif
