/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one run of a template, and its expressions. Private to cli/template*.c. */
#ifndef IMG_CLI_TEMPLATE_RUN_H
#define IMG_CLI_TEMPLATE_RUN_H

#include "cli/template_value.h"

#define TEMPLATE_VARS_MAX  32
#define TEMPLATE_NAME_MAX  64
#define TEMPLATE_DEPTH_MAX 64

struct template_var {
	char name[TEMPLATE_NAME_MAX]; /* without '$' */
	struct template_value value;
};

/*
 * The text is walked and run at once; a branch that is not taken is walked without being `live`: it
 * is checked, and nothing is evaluated.
 */
struct template_run {
	const char *at; /* in the text; inside an action while expressions are read */
	const struct json *root;
	struct template_value dot;
	bool live;
	struct template_temps temps;
	struct template_var vars[TEMPLATE_VARS_MAX];
	size_t var_count;
	struct buf *out;
	unsigned steps, depth;
};

void template_skip_spaces(struct template_run *r);
/* True at the "}}" or " -}}" that ends an action. */
bool template_at_end(const struct template_run *r);
/*
 * Takes the end, and the white space after it when it has the trim marker. ERR_USAGE when it is not
 * there.
 */
int template_take_end(struct template_run *r, struct err *err);
/* Counts one step of the run. ERR_LIMIT. */
int template_step(struct template_run *r, struct err *err);
/* Reads a pipeline and, when live, evaluates it. */
int template_pipeline(struct template_run *r, struct template_value *ret, struct err *err);
/* Reads "$NAME" into `ret_name`. */
int template_var_name(struct template_run *r, char ret_name[TEMPLATE_NAME_MAX], struct err *err);
int template_declare(struct template_run *r, const char *name, const struct template_value *value,
		     struct err *err);

#endif
