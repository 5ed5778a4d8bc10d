/* SPDX-License-Identifier: Apache-2.0 */
/* What copy and push say of a copy. They call the same thing by words of their own. */
#ifndef IMG_CLI_COPY_REPORT_H
#define IMG_CLI_COPY_REPORT_H

#include "base/json.h"
#include "transport/copy.h"

struct copy_words {
	const char *verb; /* "move" */
	const char *done; /* "Moved", as members begin */
};
/* A line of a dry run: one thing, and whether it is there. */
void copy_report_step(const struct copy_words *words, const struct descriptor *d, bool is_there);
/* The line at the end: what came out, of a dry run also how much would be done. */
void copy_report_line(const struct copy_words *words, const char *what, const struct copy_result *r,
		      bool dry_run);
/* The members that both have. */
void copy_report_set(const struct copy_words *words, struct json *o, const struct copy_result *r,
		     bool dry_run);

#endif
