/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of img diff: config, layers, files. */
#ifndef IMG_CLI_DIFF_REPORT_H
#define IMG_CLI_DIFF_REPORT_H

#include "base/err.h"
#include "cli/look.h"

#include <stdbool.h>
#include <stddef.h>

struct json;

struct diff_report {
	const struct image_content *a, *b;
	bool json;
	bool headings;	     /* of sections, when there are several */
	bool differs;	     /* out: set when anything was told */
	const char *section; /* whose heading was printed last */
};

/* Begins a line of a section: its heading when it is the first. Marks the images as different. */
void diff_begin(struct diff_report *r, const char *section);

/*
 * Each member of the configs that differs, by its path ("Config.Env"); rootfs is the layers'
 * business. Of lists the elements that only one has are told.
 */
int diff_config(struct diff_report *r, struct err *err);
/* DiffIDs behind those that both begin with. */
int diff_layers(struct diff_report *r, struct err *err);
/* True when both have the same layers, which makes all files the same. */
bool diff_same_layers(const struct diff_report *r);

struct op;
struct diff_files {
	struct op *op;
	const struct tree *a, *b;
	bool with_time;
};
/* A, C or D and the path of each file that differs. */
int diff_files(struct diff_report *r, const struct diff_files *files, struct err *err);

#endif
