/* SPDX-License-Identifier: Apache-2.0 */
/* The house's table of references, for the tests of the parser. */
#ifndef TESTS_UNIT_MANIFEST_REFERENCE_TABLE_H
#define TESTS_UNIT_MANIFEST_REFERENCE_TABLE_H

#include "manifest/reference.h"

#include <stddef.h>

/* "" is an absent part. */
struct reference_outcome {
	enum reference_fault fault;
	const char *domain;
	const char *path;
	const char *tag;
	const char *digest;
};

struct reference_row {
	int number;
	const char *input;
	struct reference_outcome raw;
	struct reference_outcome normalized;
	const char *canonical; /* NULL when it does not parse */
	const char *familiar;
};

extern const struct reference_row reference_rows[];
extern const size_t reference_row_count;

#endif
