/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of templates: operands, fields, calls, pipelines. Read and evaluated in one pass. */
#include "cli/template_run.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/template.h"

#define ARGS_MAX    16
#define LITERAL_MAX ((size_t)64 << 10)

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int template_step(struct template_run *r, struct err *err)
{
	if (++r->steps > TEMPLATE_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "more than %u steps", TEMPLATE_STEPS_MAX);
	return 0;
}

void template_skip_spaces(struct template_run *r)
{
	while (is_space(*r->at))
		r->at++;
}

bool template_at_end(const struct template_run *r)
{
	/* The trim marker needs white space before it; the caller has just skipped that. */
	return text_starts_with(r->at, "}}") ||
	       (text_starts_with(r->at, "-}}") && is_space(r->at[-1]));
}

static int unexpected(const struct template_run *r, const char *wanted, struct err *err)
{
	if (!*r->at)
		return err_set(err, ERR_USAGE, "the action has no \"}}\"");
	return err_set(err, ERR_USAGE, "%s expected, not \"%s\"", wanted,
		       text_escape((char[24]){ 0 }, 24, r->at, strcspn(r->at, " \t\n}")));
}

int template_take_end(struct template_run *r, struct err *err)
{
	template_skip_spaces(r);
	if (!template_at_end(r))
		return unexpected(r, "the end of the action", err);
	const bool trims = *r->at == '-';

	r->at += trims ? 3 : 2;
	if (trims)
		template_skip_spaces(r);
	return 0;
}

static int take_name(struct template_run *r, char name[TEMPLATE_NAME_MAX], struct err *err)
{
	const size_t len = template_word(r->at);

	if (len >= TEMPLATE_NAME_MAX)
		return err_set(err, ERR_USAGE, "a name of %zu letters is too long", len);
	memcpy(name, r->at, len);
	name[len] = '\0';
	r->at += len;
	return 0;
}

/* "Name, Tag, Digest": what could have been meant. */
static int no_field(const struct template_value *v, const char *name, struct err *err)
{
	char known[200] = "";
	size_t used = 0;
	struct json_iter it;

	for (json_iter_init(&it, v->json); json_iter_next(&it) && used < sizeof(known) - 1;) {
		const int n = snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "",
				       it.key);
		used += n > 0 ? (size_t)n : 0;
	}
	const int rc = err_set(err, ERR_USAGE, "no field .%s here", name);

	err_hint(err, "there are: %s", TEXT_ESCAPED(known));
	return rc;
}

static bool is_closed(const struct template_run *r, const struct template_value *v)
{
	return v->json == r->root || template_field_is(v->field, "Config") ||
	       template_field_is(v->field, "RootFS");
}

/* `text` is where the name stands in the template: it lives as long as the run. */
static int get_field(struct template_run *r, struct template_value *v, const char *text,
		     struct err *err)
{
	char name[TEMPLATE_NAME_MAX];
	const enum json_type type = json_type(v->json);

	snprintf(name, sizeof(name), "%.*s", (int)template_word(text), text);
	if (type != JSON_OBJECT_ && type != JSON_NULL_)
		return err_set(err, ERR_USAGE, "no field .%s in a %s", name, json_type_name(type));
	const struct json *member = json_get(v->json, name);
	bool is_there = member != NULL;

	if (!is_there && type == JSON_OBJECT_ && is_closed(r, v)) {
		struct json_iter it;

		/* null is there, too. */
		for (json_iter_init(&it, v->json); !is_there && json_iter_next(&it);)
			is_there = !strcmp(it.key, name);
		if (!is_there)
			return no_field(v, name, err);
	}
	*v = (struct template_value){ member, text };
	return 0;
}

/* ".A.B" after an operand. */
static int take_fields(struct template_run *r, struct template_value *v, struct err *err)
{
	while (r->at[0] == '.' && is_letter(r->at[1])) {
		char name[TEMPLATE_NAME_MAX];
		const char *text = ++r->at;

		TRY(template_step(r, err));
		TRY(take_name(r, name, err));
		if (r->live)
			TRY(get_field(r, v, text, err));
	}
	return 0;
}

static int escape_of(char letter)
{
	static const char from[] = "ntr\"\\'", to[] = "\n\t\r\"\\'";
	const char *at = letter ? strchr(from, letter) : NULL;

	return at ? to[at - from] : -1;
}

/* "..." with escapes, or `...` as it is. */
static int take_string(struct template_run *r, struct template_value *ret, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(LITERAL_MAX);
	const char quote = *r->at++;

	for (; *r->at && *r->at != quote; r->at++) {
		int c = (unsigned char)*r->at;

		if (c == '\\' && quote == '"') {
			c = escape_of(*++r->at);
			if (c < 0)
				return err_set(err, ERR_USAGE,
					       "an escape other than \\n \\t \\r "
					       "\\\" \\\\ in a string");
		}
		TRY(buf_append_char(&text, (char)c, err));
	}
	if (!*r->at)
		return err_set(err, ERR_USAGE, "a string has no end");
	r->at++;
	*ret = template_keep(&r->temps, json_new_str(buf_str(&text)));
	return 0;
}

static int take_number(struct template_run *r, struct template_value *ret, struct err *err)
{
	const size_t len = (*r->at == '-') + strspn(r->at + (*r->at == '-'), "0123456789");
	int64_t n;

	if (text_parse_i64(r->at, len, &n) < 0)
		return err_set(err, ERR_USAGE, "that number can't be used");
	r->at += len;
	*ret = template_keep(&r->temps, json_new_int(n));
	return 0;
}

int template_var_name(struct template_run *r, char ret_name[TEMPLATE_NAME_MAX], struct err *err)
{
	if (*r->at != '$')
		return unexpected(r, "a variable", err);
	r->at++;
	return take_name(r, ret_name, err);
}

static int take_variable(struct template_run *r, struct template_value *ret, struct err *err)
{
	char name[TEMPLATE_NAME_MAX];

	TRY(template_var_name(r, name, err));
	if (!*name) {
		*ret = (struct template_value){ r->root, NULL };
		return 0;
	}
	for (size_t i = r->var_count; i-- > 0;)
		if (!strcmp(r->vars[i].name, name)) {
			*ret = r->vars[i].value;
			return 0;
		}
	return err_set(err, ERR_USAGE, "no variable $%s", name);
}

int template_declare(struct template_run *r, const char *name, const struct template_value *value,
		     struct err *err)
{
	if (r->var_count == TEMPLATE_VARS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d variables", TEMPLATE_VARS_MAX);
	struct template_var *var = &r->vars[r->var_count++];

	snprintf(var->name, sizeof(var->name), "%s", name);
	var->value = *value;
	return 0;
}

static int take_paren(struct template_run *r, struct template_value *ret, struct err *err)
{
	if (++r->depth > TEMPLATE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "nested deeper than %d", TEMPLATE_DEPTH_MAX);
	r->at++;
	TRY(template_pipeline(r, ret, err));
	template_skip_spaces(r);
	if (*r->at != ')')
		return unexpected(r, "\")\"", err);
	r->at++;
	r->depth--;
	return 0;
}

/* true, false and nil are the only words that are values. */
static int take_constant(struct template_run *r, struct template_value *ret, struct err *err)
{
	char word[TEMPLATE_NAME_MAX];

	TRY(take_name(r, word, err));
	if (!strcmp(word, "true") || !strcmp(word, "false"))
		*ret = template_keep(&r->temps, json_new_bool(word[0] == 't'));
	else if (!strcmp(word, "nil"))
		*ret = (struct template_value){ NULL, NULL };
	else if (template_has_function(word))
		return err_set(err, ERR_USAGE, "%s as an argument needs parentheses", word);
	else
		return err_set(err, ERR_USAGE, "no function %s", word);
	return 0;
}

static int take_operand(struct template_run *r, struct template_value *ret, struct err *err)
{
	const char c = *r->at;

	TRY(template_step(r, err));
	if (c == '.') {
		*ret = r->dot;
		if (!is_letter(r->at[1]))
			r->at++;
	} else if (c == '$') {
		TRY(take_variable(r, ret, err));
	} else if (c == '"' || c == '`') {
		return take_string(r, ret, err);
	} else if (is_digit(c) || (c == '-' && is_digit(r->at[1]))) {
		return take_number(r, ret, err);
	} else if (c == '(') {
		TRY(take_paren(r, ret, err));
	} else if (is_letter(c)) {
		return take_constant(r, ret, err);
	} else {
		return unexpected(r, "a value", err);
	}
	return take_fields(r, ret, err);
}

static bool at_command_end(const struct template_run *r)
{
	return *r->at == '|' || *r->at == ')' || !*r->at || template_at_end(r);
}

static bool starts_call(const struct template_run *r)
{
	char word[TEMPLATE_NAME_MAX];
	const size_t len = template_word(r->at);

	if (!is_letter(*r->at) || len >= sizeof(word))
		return false;
	memcpy(word, r->at, len);
	word[len] = '\0';
	return template_has_function(word);
}

/* NAME ARG...; `piped` (may be NULL) is what came before the '|', the last argument. */
static int take_call(struct template_run *r, const struct template_value *piped,
		     struct template_value *ret, struct err *err)
{
	char name[TEMPLATE_NAME_MAX];
	struct template_value args[ARGS_MAX + 1];
	size_t count = 0;

	TRY(take_name(r, name, err));
	for (template_skip_spaces(r); !at_command_end(r); template_skip_spaces(r)) {
		if (count == ARGS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d arguments", ARGS_MAX);
		TRY(take_operand(r, &args[count++], err));
	}
	if (piped)
		args[count++] = *piped;
	if (!r->live)
		return 0;
	const struct template_call call = { name, args, count, &r->temps };

	return template_call(&call, ret, err);
}

static int take_command(struct template_run *r, const struct template_value *piped,
			struct template_value *ret, struct err *err)
{
	template_skip_spaces(r);
	if (starts_call(r))
		return take_call(r, piped, ret, err);
	TRY(take_operand(r, ret, err));
	template_skip_spaces(r);
	if (!at_command_end(r))
		return unexpected(r, "a function before arguments", err);
	if (piped)
		return err_set(err, ERR_USAGE, "a function is expected after \"|\"");
	return 0;
}

int template_pipeline(struct template_run *r, struct template_value *ret, struct err *err)
{
	struct template_value value = { NULL, NULL };

	TRY(take_command(r, NULL, &value, err));
	while (*r->at == '|') {
		const struct template_value piped = value;

		r->at++;
		TRY(take_command(r, &piped, &value, err));
	}
	*ret = value;
	return 0;
}
