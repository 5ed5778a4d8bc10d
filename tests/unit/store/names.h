/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of image names share: "manifests" that are short texts, and names for them. */
#ifndef TESTS_UNIT_STORE_NAMES_H
#define TESTS_UNIT_STORE_NAMES_H

#include "store/images.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>

struct reference parse_name(const char *text);
/* A manifest in the store whose content is that text. */
struct descriptor stored(struct store *s, const char *text);
/*
 * The name becomes one of the manifest with that text; by digest, without a tag; of an index that
 * reaches up to two.
 */
void put_name(struct store *s, const char *name, const char *text);
void put_by_digest(struct store *s, const char *name, const char *text);
void put_index(struct store *s, const char *name, const char *index, const char *const children[2]);
/*
 * Whether the name, with the digest of `by` unless that is NULL, means the manifest with that text.
 */
bool means(struct store *s, const char *name, const char *by, const char *text);
int remove_name(struct store *s, const char *name, const char *by, images_fn *fn, void *arg);

/* What a walk saw, as "REPOSITORY:TAG=TEXT ..."; an untagged one as "REPOSITORY@=TEXT". */
struct seen {
	struct store *store;
	char text[2000];
	int stop_after;	     /* 0: never */
	struct store *other; /* for the test */
};
int see(void *arg, const struct image_name *name, struct err *err);
int count_records(struct store *s);

#define CHECK_LIST(in, expected)                                          \
	do {                                                              \
		struct seen seen_ = { .store = (in) };                    \
		CU_ASSERT_EQUAL(images_list((in), see, &seen_, NULL), 0); \
		CU_ASSERT_STRING_EQUAL(seen_.text, (expected));           \
		if (strcmp(seen_.text, (expected)) != 0)                  \
			printf("# found %s\n", seen_.text);               \
	} while (0)

#define CHECK_REMOVE(in, name, by, expected)                                      \
	do {                                                                      \
		struct seen seen_ = { .store = (in) };                            \
		CU_ASSERT_EQUAL(remove_name((in), (name), (by), see, &seen_), 0); \
		CU_ASSERT_STRING_EQUAL(seen_.text, (expected));                   \
	} while (0)

#endif
