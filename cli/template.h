/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --format: the part of Go's text/template that users of docker and skopeo type, over a JSON value.
 * Actions: fields, variables, pipelines, parentheses, `if`, `with`, `range` (each with `else`),
 * trim markers, comments. Functions: json, jsonPretty, index, len, join, split, lower, upper,
 * title, truncate, print, println, printf, eq, ne, lt, le, gt, ge, and, or, not. Anything else of
 * the language is an error that says so.
 */
#ifndef IMG_CLI_TEMPLATE_H
#define IMG_CLI_TEMPLATE_H

#include "base/buf.h"
#include "base/json.h"

/* Longest template; most steps of one run; most text it makes. */
#define TEMPLATE_BYTES_MAX  ((size_t)64 << 10)
#define TEMPLATE_STEPS_MAX  200000u
#define TEMPLATE_OUTPUT_MAX ((size_t)32 << 20)

/*
 * Runs `text` over `data` and appends what it prints to `out`. ERR_USAGE with the place in the
 * template for what is wrong with it, unknown fields included; ERR_LIMIT beyond the bounds.
 */
int template_run(const char *text, const struct json *data, struct buf *out, struct err *err);

#endif
