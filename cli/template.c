/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a template: text, and the actions that steer it. The user writes templates, the data
 * comes from images: both are bounded, by steps, depth and the size of what is printed.
 */
#include "cli/template.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/template_run.h"

enum stop { STOP_NONE, STOP_TEXT_END, STOP_END, STOP_ELSE };

static int run_block(struct template_run *r, enum stop *ret, struct err *err);
static int run_control(struct template_run *r, const char *word, struct err *err);

static bool is_word(const char *at, const char *word)
{
	const size_t len = strlen(word);

	return !strncmp(at, word, len) && template_word(at) == len;
}

/* A block with its own dot; variables declared inside end with it. */
static int run_inner(struct template_run *r, const struct template_value *dot, bool live,
		     enum stop *ret, struct err *err)
{
	const struct template_value old_dot = r->dot;
	const size_t var_count = r->var_count;
	const bool old_live = r->live;

	if (++r->depth > TEMPLATE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "nested deeper than %d", TEMPLATE_DEPTH_MAX);
	r->dot = *dot;
	r->live = old_live && live;
	TRY(run_block(r, ret, err));
	r->depth--;
	r->dot = old_dot;
	r->live = old_live;
	r->var_count = var_count;
	if (*ret == STOP_TEXT_END)
		return err_set(err, ERR_USAGE, "an {{end}} is missing");
	return 0;
}

/* After {{else: a block, or a further condition that shares the {{end}}. */
static int run_else(struct template_run *r, bool live, struct err *err)
{
	const bool old_live = r->live;
	enum stop stop = STOP_NONE;

	template_skip_spaces(r);
	for (const char *const *w = (const char *const[]){ "if", "with", NULL }; *w; w++) {
		if (!is_word(r->at, *w))
			continue;
		r->live = old_live && live;
		TRY(run_control(r, *w, err));
		r->live = old_live;
		return 0;
	}
	TRY(template_take_end(r, err));
	TRY(run_inner(r, &r->dot, live, &stop, err));
	if (stop == STOP_ELSE)
		return err_set(err, ERR_USAGE, "a second {{else}}");
	return 0;
}

/* "$v := " before a pipeline, where it stands. */
static int take_declaration(struct template_run *r, char name[TEMPLATE_NAME_MAX], struct err *err)
{
	const char *start = r->at;

	name[0] = '\0';
	template_skip_spaces(r);
	if (*r->at != '$')
		return 0;
	TRY(template_var_name(r, name, err));
	template_skip_spaces(r);
	if (text_starts_with(r->at, ":=")) {
		r->at += 2;
		return 0;
	}
	if (*r->at == '=')
		return err_set(err, ERR_USAGE, "variables can't be changed (only :=)");
	name[0] = '\0';
	r->at = start;
	return 0;
}

static int run_condition(struct template_run *r, bool moves_dot, struct err *err)
{
	const size_t var_count = r->var_count;
	char name[TEMPLATE_NAME_MAX];
	struct template_value value;
	enum stop stop = STOP_NONE;

	TRY(take_declaration(r, name, err));
	TRY(template_pipeline(r, &value, err));
	TRY(template_take_end(r, err));
	if (*name)
		TRY(template_declare(r, name, &value, err));
	const bool truth = r->live && template_is_true(&value);

	TRY(run_inner(r, moves_dot && truth ? &value : &r->dot, truth, &stop, err));
	if (stop == STOP_ELSE)
		TRY(run_else(r, !truth, err));
	r->var_count = var_count;
	return 0;
}

/* The variables of a range: none, the element, or key and element. */
struct range_vars {
	char names[2][TEMPLATE_NAME_MAX];
	unsigned count;
};

static int take_range_vars(struct template_run *r, struct range_vars *ret, struct err *err)
{
	const char *start = r->at;
	struct range_vars vars = { .count = 0 };

	template_skip_spaces(r);
	while (*r->at == '$' && vars.count < 2) {
		TRY(template_var_name(r, vars.names[vars.count++], err));
		template_skip_spaces(r);
		if (*r->at == ',')
			r->at++;
		template_skip_spaces(r);
	}
	if (vars.count && text_starts_with(r->at, ":=")) {
		r->at += 2;
	} else {
		vars.count = 0;
		r->at = start;
	}
	*ret = vars;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a map in their order; NULL for anything else. */
static const char **keys_of(const struct json *v)
{
	if (json_type(v) != JSON_OBJECT_)
		return NULL;
	const char **keys = xcalloc(json_count(v) + 1, sizeof(*keys));
	struct json_iter it;
	size_t n = 0;

	for (json_iter_init(&it, v); json_iter_next(&it);)
		keys[n++] = it.key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	return keys;
}

/* One turn: the element is dot, and what the variables say. */
struct turn {
	const struct range_vars *vars;
	struct template_value key, item;
};

static int run_turn(struct template_run *r, const struct turn *turn, enum stop *ret,
		    struct err *err)
{
	const size_t var_count = r->var_count;
	const struct range_vars *vars = turn->vars;

	if (vars->count == 2)
		TRY(template_declare(r, vars->names[0], &turn->key, err));
	if (vars->count)
		TRY(template_declare(r, vars->names[vars->count - 1], &turn->item, err));
	TRY(run_inner(r, &turn->item, true, ret, err));
	r->var_count = var_count;
	return 0;
}

static int run_turns(struct template_run *r, const struct template_value *over,
		     const struct range_vars *vars, enum stop *ret, struct err *err)
{
	_free_ const char **keys = keys_of(over->json);
	const size_t count = json_count(over->json);
	const char *body = r->at;

	for (size_t i = 0; i < count; i++) {
		struct turn turn = { .vars = vars };

		if (keys) {
			turn.key = template_keep(&r->temps, json_new_str(keys[i]));
			turn.item.json = json_get(over->json, keys[i]);
		} else {
			turn.key = template_keep(&r->temps, json_new_int((int64_t)i));
			turn.item.json = json_at(over->json, i);
		}
		r->at = body;
		TRY(run_turn(r, &turn, ret, err));
	}
	return 0;
}

static int run_range(struct template_run *r, struct err *err)
{
	struct template_value over = { NULL, NULL };
	struct range_vars vars;
	enum stop stop;

	TRY(take_range_vars(r, &vars, err));
	TRY(template_pipeline(r, &over, err));
	TRY(template_take_end(r, err));
	const enum json_type type = r->live ? json_type(over.json) : JSON_NULL_;

	if (type != JSON_NULL_ && type != JSON_ARRAY_ && type != JSON_OBJECT_)
		return err_set(err, ERR_USAGE, "range can't go over a %s", json_type_name(type));
	const bool is_empty = type == JSON_NULL_ || !json_count(over.json);

	if (is_empty) {
		const struct turn none = { .vars = &vars };
		const bool old_live = r->live;

		r->live = false;
		TRY(run_turn(r, &none, &stop, err));
		r->live = old_live;
	} else {
		TRY(run_turns(r, &over, &vars, &stop, err));
	}
	return stop == STOP_ELSE ? run_else(r, is_empty, err) : 0;
}

static int run_control(struct template_run *r, const char *word, struct err *err)
{
	r->at += strlen(word);
	if (!strcmp(word, "range"))
		return run_range(r, err);
	return run_condition(r, !strcmp(word, "with"), err);
}

/* A pipeline that is printed, or a declaration. */
static int run_value(struct template_run *r, struct err *err)
{
	char name[TEMPLATE_NAME_MAX];
	struct template_value value;

	TRY(take_declaration(r, name, err));
	TRY(template_pipeline(r, &value, err));
	TRY(template_take_end(r, err));
	if (*name)
		return template_declare(r, name, &value, err);
	return r->live ? template_print_value(&value, r->out, err) : 0;
}

static int take_comment(struct template_run *r, struct err *err)
{
	const char *end = strstr(r->at, "*/");

	if (!end)
		return err_set(err, ERR_USAGE, "a comment has no end");
	r->at = end + 2;
	return template_take_end(r, err);
}

static int refuse_word(const char *at, struct err *err)
{
	static const char *const words[] = { "template", "define", "block", "break", "continue" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is_word(at, words[i]))
			return err_set(err, ERR_USAGE, "{{%s}} is not part of --format", words[i]);
	return 0;
}

/* The marker after "{{": a '-' that is not the sign of a number. */
static bool is_trim(const char *at)
{
	return at[0] == '-' && at[1] && strchr(" \t\r\n", at[1]);
}

/* One action, from after its "{{". */
static int run_action(struct template_run *r, enum stop *ret, struct err *err)
{
	*ret = STOP_NONE;
	TRY(template_step(r, err));
	if (is_trim(r->at))
		r->at++;
	template_skip_spaces(r);
	if (text_starts_with(r->at, "/*"))
		return take_comment(r, err);
	if (is_word(r->at, "end")) {
		r->at += 3;
		*ret = STOP_END;
		return template_take_end(r, err);
	}
	if (is_word(r->at, "else")) {
		r->at += 4;
		*ret = STOP_ELSE;
		return 0;
	}
	for (const char *const *w = (const char *const[]){ "if", "with", "range", NULL }; *w; w++)
		if (is_word(r->at, *w))
			return run_control(r, *w, err);
	TRY(refuse_word(r->at, err));
	return run_value(r, err);
}

/* Plain text, in which \n and \t are what they say, as docker and skopeo have it. */
static int put_text(struct buf *out, const char *text, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		const bool is_newline = len - i >= 2 && !memcmp(text + i, "\\n", 2);
		const bool is_tab = len - i >= 2 && !memcmp(text + i, "\\t", 2);

		if (is_newline || is_tab)
			TRY(buf_append_char(out, (char)(is_tab ? '\t' : '\n'), err));
		else
			TRY(buf_append_char(out, text[i], err));
		i += is_newline || is_tab;
	}
	return 0;
}

/* Text up to the next action; white space before "{{- " does not count. */
static int run_text(struct template_run *r, struct err *err)
{
	const char *open = strstr(r->at, "{{");
	size_t len = open ? (size_t)(open - r->at) : strlen(r->at);
	const char *text = r->at;

	r->at += len;
	if (open) {
		const bool trims = is_trim(open + 2);

		while (trims && len && strchr(" \t\r\n", text[len - 1]))
			len--;
		r->at += 2;
	}
	return r->live ? put_text(r->out, text, len, err) : 0;
}

static int run_block(struct template_run *r, enum stop *ret, struct err *err)
{
	for (;;) {
		const bool is_last = !strstr(r->at, "{{");
		enum stop stop;

		TRY(run_text(r, err));
		if (is_last) {
			*ret = STOP_TEXT_END;
			return 0;
		}
		TRY(run_action(r, &stop, err));
		if (stop != STOP_NONE) {
			*ret = stop;
			return 0;
		}
	}
}

int template_run(const char *text, const struct json *data, struct buf *out, struct err *err)
{
	struct template_run r = {
		.at = text, .root = data, .dot = { data, NULL }, .live = true, .out = out
	};
	enum stop stop = STOP_NONE;
	int rc;

	if (strlen(text) > TEMPLATE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "--format: longer than %zu bytes",
			       TEMPLATE_BYTES_MAX);
	rc = run_block(&r, &stop, err);
	if (rc == 0 && stop != STOP_TEXT_END)
		rc = err_set(err, ERR_USAGE, "{{%s}} without a beginning",
			     stop == STOP_ELSE ? "else" : "end");
	if (rc < 0)
		err_prefix(err, "--format: at character %zu", (size_t)(r.at - text) + 1);
	template_temps_fini(&r.temps);
	return rc;
}
