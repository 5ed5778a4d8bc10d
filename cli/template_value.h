/* SPDX-License-Identifier: Apache-2.0 */
/* Values while a template runs, and the functions over them. Private to cli/template*.c. */
#ifndef IMG_CLI_TEMPLATE_VALUE_H
#define IMG_CLI_TEMPLATE_VALUE_H

#include "base/buf.h"
#include "base/json.h"

/*
 * A value is JSON, borrowed from the data or from the run's temporaries. `field` begins with the
 * name it was got by (and goes on with the template's text): it says what an absent list, map or
 * text looks like.
 */
struct template_value {
	const struct json *json;
	const char *field; /* or NULL */
};

/* Temporaries of one run, freed together. */
struct template_temps {
	struct json **items;
	size_t count, alloc;
};

void template_temps_fini(struct template_temps *temps);
/* Keeps a fresh value and gives it back as a value. */
struct template_value template_keep(struct template_temps *temps, struct json *fresh);

/*
 * Go's %v: lists as [a b], maps as map[k:v] in the order of the keys, absent things as their empty
 * form.
 */
int template_print_value(const struct template_value *v, struct buf *out, struct err *err);
/* Go's truth: false, 0, "", null, empty lists and maps are not. */
bool template_is_true(const struct template_value *v);
/* Length of the word (letters, digits, '_') at `s`. */
size_t template_word(const char *s);
/* True when that word is `name`. `field` may be NULL. */
bool template_field_is(const char *field, const char *name);
/* True for members that hold free keys, where an absent key is no mistake. */
bool template_is_map_field(const char *field);

/* A function of templates: its arguments, and where temporaries go. */
struct template_call {
	const char *name;
	const struct template_value *args;
	size_t count;
	struct template_temps *temps;
};
/* Calls it. ERR_USAGE for an unknown one, a wrong count or type. */
int template_call(const struct template_call *call, struct template_value *ret, struct err *err);
bool template_has_function(const char *name);
/* printf of Go, in template_printf.c. */
int template_printf(const struct template_call *call, struct template_value *ret, struct err *err);

#endif
