/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printf in templates: %s %v %d %q %% with '-', '0', width and precision, as people use it
 * ("%.12s", "%-20s").
 */
#include "cli/template_value.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/template.h"
#include "cli/width.h"

/* Widest field; Go allows a million. */
#define WIDTH_MAX 1000u

struct verb {
	bool is_left, is_zero, has_precision;
	unsigned width, precision;
	char letter;
};

static int parse_number(const char **at, unsigned *ret, struct err *err)
{
	const size_t len = strspn(*at, "0123456789");
	uint64_t n = 0;

	if (len && text_parse_u64(*at, len, 10, &n) < 0)
		n = WIDTH_MAX + 1;
	if (n > WIDTH_MAX)
		return err_set(err, ERR_USAGE, "printf: a width beyond %u", WIDTH_MAX);
	*ret = (unsigned)n;
	*at += len;
	return 0;
}

/* `*at` stands after the '%'. */
static int parse_verb(const char **at, struct verb *ret, struct err *err)
{
	struct verb v = { 0 };

	for (; **at == '-' || **at == '0' || **at == '+'; (*at)++) {
		v.is_left |= **at == '-';
		v.is_zero |= **at == '0';
	}
	TRY(parse_number(at, &v.width, err));
	if (**at == '.') {
		(*at)++;
		v.has_precision = true;
		TRY(parse_number(at, &v.precision, err));
	}
	v.letter = **at;
	if (!v.letter)
		return err_set(err, ERR_USAGE, "printf: the format ends inside a verb");
	(*at)++;
	*ret = v;
	return 0;
}

/* Go's %q, which is JSON's notation for all that occurs here. */
static int quote(const struct template_value *v, struct buf *out, struct err *err)
{
	_buf_ struct buf plain = BUF_INIT(TEMPLATE_OUTPUT_MAX);

	TRY(template_print_value(v, &plain, err));
	_json_ struct json *text = json_new_str(buf_str(&plain));

	return json_print(text, 0, out, err);
}

static int render(const struct verb *verb, const struct template_value *v, struct buf *out,
		  struct err *err)
{
	switch (verb->letter) {
	case 's':
	case 'v':
		return template_print_value(v, out, err);
	case 'q':
		return quote(v, out, err);
	case 'd':
		if (json_type(v->json) != JSON_INTEGER_)
			return err_set(err, ERR_USAGE, "printf: %%d wants a number");
		return template_print_value(v, out, err);
	default:
		return err_set(err, ERR_USAGE, "printf: %%%s is not one of %%s %%v %%d %%q",
			       text_escape((char[8]){ 0 }, 8, &verb->letter, 1));
	}
}

static int pad(struct buf *out, char with, size_t count, struct err *err)
{
	while (count-- > 0)
		TRY(buf_append_char(out, with, err));
	return 0;
}

static int put(const struct verb *verb, const struct template_value *v, struct buf *out,
	       struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEMPLATE_OUTPUT_MAX);

	TRY(render(verb, v, &text, err));
	const char *s = buf_str(&text);
	size_t len = text.len;

	if (verb->has_precision && verb->letter != 'd')
		len = width_fit(s, len, verb->precision);
	const size_t columns = width_of(s, len);
	const size_t gap = columns < verb->width ? verb->width - columns : 0;

	if (!verb->is_left)
		TRY(pad(out, verb->is_zero ? '0' : ' ', gap, err));
	TRY(buf_append(out, s, len, err));
	return verb->is_left ? pad(out, ' ', gap, err) : 0;
}

static int format(const struct template_call *c, const char *at, struct buf *out, struct err *err)
{
	size_t next = 1;

	while (*at) {
		const size_t plain = strcspn(at, "%");
		struct verb verb = { 0 };

		TRY(buf_append(out, at, plain, err));
		at += plain;
		if (!*at)
			break;
		at++;
		TRY(parse_verb(&at, &verb, err));
		if (verb.letter == '%') {
			TRY(buf_append_char(out, '%', err));
			continue;
		}
		if (next >= c->count)
			return err_set(err, ERR_USAGE, "printf: more verbs than arguments");
		TRY(put(&verb, &c->args[next++], out, err));
	}
	if (next != c->count)
		return err_set(err, ERR_USAGE, "printf: more arguments than verbs");
	return 0;
}

int template_printf(const struct template_call *c, struct template_value *ret, struct err *err)
{
	_buf_ struct buf out = BUF_INIT(TEMPLATE_OUTPUT_MAX);
	const char *text = json_str(c->args[0].json, NULL);

	if (!text)
		return err_set(err, ERR_USAGE, "printf: wants a format string first");
	TRY(format(c, text, &out, err));
	_free_ char *s = buf_take(&out);

	*ret = template_keep(c->temps, json_new_str(s));
	return 0;
}
