/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker commit --change: one Dockerfile instruction changes the member "config" of an image config
 * (Dockerfile reference; image-spec config.md). One function an instruction.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)

/* One instruction at work. */
struct change_run {
	struct json *run; /* the member "config" */
	const char *args; /* what follows the word */
	struct config_edit *edit;
};

static int bad(struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE, "%s", why);
}

/* A copy of a member, or something fresh in place of an absent one. */
static struct json *copy(const struct json *run, const char *key, enum json_type type)
{
	const struct json *v = json_get(run, key);

	if (json_type(v) == type)
		return json_dup(v);
	return type == JSON_ARRAY_ ? json_new_array() : json_new_object();
}

/* The arguments as an array of strings when they are written as one; NULL when not. */
static struct json *json_form(const char *args)
{
	_json_ struct json *v = NULL;

	if (*args != '[' || json_parse(args, strlen(args), &v, NULL) < 0 ||
	    json_type(v) != JSON_ARRAY_)
		return NULL;
	for (size_t i = 0; i < json_count(v); i++)
		if (json_type(json_at(v, i)) != JSON_STRING_)
			return NULL;
	return TAKE_PTR(v);
}

/* Command line: as JSON, or for the shell. */
static struct json *command(const struct change_run *c)
{
	struct json *v = json_form(c->args);

	if (v)
		return v;
	if (json_count(json_get(c->run, "Shell"))) {
		v = json_dup(json_get(c->run, "Shell"));
	} else {
		v = json_new_array();
		json_add(v, json_new_str("/bin/sh"));
		json_add(v, json_new_str("-c"));
	}
	json_add(v, json_new_str(c->args));
	return v;
}

static int on_cmd(struct change_run *c, struct err *err)
{
	(void)err;
	json_set(c->run, "Cmd", command(c));
	c->edit->is_cmd_set = true;
	return 0;
}

static int on_entrypoint(struct change_run *c, struct err *err)
{
	(void)err;
	json_set(c->run, "Entrypoint", command(c));
	/* The arguments of another program are no use to this one. */
	if (!c->edit->is_cmd_set && json_get(c->run, "Cmd"))
		json_set(c->run, "Cmd", json_new_null());
	return 0;
}

static int on_onbuild(struct change_run *c, struct err *err)
{
	struct json *list = copy(c->run, "OnBuild", JSON_ARRAY_);

	(void)err;
	json_add(list, json_new_str(c->args));
	json_set(c->run, "OnBuild", list);
	return 0;
}

/* All arguments as one text, variables put in. */
static int expanded(const struct change_run *c, struct buf *out, struct err *err)
{
	TRY(words_expand(c->args, json_get(c->run, "Env"), out, err));
	return out->len ? 0 : bad(err, "nothing is left of its argument");
}

static int on_user(struct change_run *c, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEXT_MAX);

	TRY(expanded(c, &text, err));
	json_set_str(c->run, "User", buf_str(&text));
	return 0;
}

static bool is_signal(const char *s)
{
	uint64_t n;

	if (text_parse_u64(s, strlen(s), 10, &n) == 0)
		return n >= 1 && n <= 64;
	if (text_starts_with(s, "SIG"))
		s += 3;
	if (!strcmp(s, "RTMIN") || !strcmp(s, "RTMAX"))
		return true;
	if (text_starts_with(s, "RTMIN+") || text_starts_with(s, "RTMAX-"))
		return text_parse_u64(s + 6, strlen(s + 6), 10, &n) == 0 && n <= 30;
	for (int i = 1; i < 32; i++)
		if (sigabbrev_np(i) && !strcmp(s, sigabbrev_np(i)))
			return true;
	return false;
}

static int on_stopsignal(struct change_run *c, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEXT_MAX);

	TRY(expanded(c, &text, err));
	if (!is_signal(buf_str(&text)))
		return bad(err, "no such signal");
	json_set_str(c->run, "StopSignal", buf_str(&text));
	return 0;
}

/* Appends the components of `path`, "." and ".." resolved as text. */
static int add_clean(struct buf *out, const char *path, struct err *err)
{
	for (const char *p = path; *p;) {
		const size_t len = strcspn(p, "/");

		if (len == 2 && !strncmp(p, "..", 2)) {
			while (out->len && out->data[--out->len] != '/')
				;
		} else if (len && !(len == 1 && *p == '.')) {
			TRY(buf_append_char(out, '/', err));
			TRY(buf_append(out, p, len, err));
		}
		p += len + (p[len] == '/');
	}
	return 0;
}

static int on_workdir(struct change_run *c, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(TEXT_MAX), path = BUF_INIT(TEXT_MAX);

	TRY(expanded(c, &text, err));
	if (text.data[0] != '/')
		TRY(add_clean(&path, json_str(json_get(c->run, "WorkingDir"), ""), err));
	TRY(add_clean(&path, buf_str(&text), err));
	if (path.data)
		path.data[path.len] = '\0';
	json_set_str(c->run, "WorkingDir", path.len ? buf_str(&path) : "/");
	return 0;
}

/* ---- lists ---- */

/* Called for each word, quotes and variables resolved. */
typedef int word_fn(struct json *into, const char *word, struct err *err);

static int each_word(const struct change_run *c, word_fn *fn, struct json *into, struct err *err)
{
	_buf_ struct buf words = BUF_INIT(TEXT_MAX);
	size_t count;

	TRY(words_split(c->args, &words, &count, err));
	for (const char *word = buf_str(&words); count--; word += strlen(word) + 1) {
		_buf_ struct buf text = BUF_INIT(TEXT_MAX);

		TRY(words_expand(word, json_get(c->run, "Env"), &text, err));
		TRY(fn(into, buf_str(&text), err));
	}
	return 0;
}

static int add_volume(struct json *into, const char *word, struct err *err)
{
	if (!*word)
		return bad(err, "a volume has no name");
	json_set(into, word, json_new_object());
	return 0;
}

static int on_volume(struct change_run *c, struct err *err)
{
	_json_ struct json *volumes = copy(c->run, "Volumes", JSON_OBJECT_);
	_json_ struct json *list = json_form(c->args);

	if (!list)
		TRY(each_word(c, add_volume, volumes, err));
	for (size_t i = 0; i < json_count(list); i++) {
		_buf_ struct buf text = BUF_INIT(TEXT_MAX);

		TRY(words_expand(json_str(json_at(list, i), ""), json_get(c->run, "Env"), &text,
				 err));
		TRY(add_volume(volumes, buf_str(&text), err));
	}
	json_set(c->run, "Volumes", TAKE_PTR(volumes));
	return 0;
}

/* PORT[-PORT][/PROTOCOL] */
static int parse_ports(const char *word, uint64_t *first, uint64_t *last, const char **protocol)
{
	const char *slash = strchr(word, '/');
	const size_t len = slash ? (size_t)(slash - word) : strlen(word);
	const char *dash = memchr(word, '-', len);
	const size_t one = dash ? (size_t)(dash - word) : len;

	*protocol = slash ? slash + 1 : "tcp";
	if (text_parse_u64(word, one, 10, first) < 0)
		return -EINVAL;
	*last = *first;
	if (dash && text_parse_u64(dash + 1, len - one - 1, 10, last) < 0)
		return -EINVAL;
	if (strcmp(*protocol, "tcp") != 0 && strcmp(*protocol, "udp") != 0 &&
	    strcmp(*protocol, "sctp") != 0)
		return -EINVAL;
	return *first >= 1 && *first <= *last && *last <= 65535 ? 0 : -EINVAL;
}

static int add_port(struct json *into, const char *word, struct err *err)
{
	uint64_t first, last;
	const char *protocol;

	if (parse_ports(word, &first, &last, &protocol) < 0)
		return bad(err, "a port is N, N-M, with /tcp, /udp or /sctp");
	for (uint64_t port = first; port <= last; port++) {
		char key[32];

		snprintf(key, sizeof(key), "%" PRIu64 "/%s", port, protocol);
		json_set(into, key, json_new_object());
	}
	return 0;
}

static int on_expose(struct change_run *c, struct err *err)
{
	_json_ struct json *ports = copy(c->run, "ExposedPorts", JSON_OBJECT_);

	TRY(each_word(c, add_port, ports, err));
	json_set(c->run, "ExposedPorts", TAKE_PTR(ports));
	return 0;
}

/* ---- names and values ---- */

static int add_label(struct json *into, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	_free_ char *key = equals ? xmemdupz(word, (size_t)(equals - word)) : NULL;

	if (!key || !*key)
		return bad(err, "not NAME=VALUE");
	json_set_str(into, key, equals + 1);
	return 0;
}

static int add_variable(struct json *into, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word)
		return bad(err, "not NAME=VALUE");
	json_add(into, json_new_str(word));
	return 0;
}

/* The last of that name, NULL when there is none. */
static const char *last_of(const struct json *list, const char *variable)
{
	const size_t len = strcspn(variable, "=") + 1;

	for (size_t i = json_count(list); i-- > 0;) {
		const char *s = json_str(json_at(list, i), "");

		if (!strncmp(s, variable, len))
			return s;
	}
	return NULL;
}

/* Each of `news` takes the place of the variable of its name, or comes behind the last. */
static struct json *merge_env(const struct json *env, const struct json *news)
{
	struct json *merged = json_new_array();

	for (size_t i = 0; i < json_count(env); i++) {
		const char *old = json_str(json_at(env, i), "");
		const char *now = last_of(news, old);

		json_add(merged, json_new_str(now ? now : old));
	}
	for (size_t i = 0; i < json_count(news); i++) {
		const char *s = json_str(json_at(news, i), "");

		if (!last_of(env, s) && last_of(news, s) == s)
			json_add(merged, json_new_str(s));
	}
	return merged;
}

/* NAME=VALUE..., or NAME and the rest of the line as it is. */
static int pairs(const struct change_run *c, word_fn *fn, struct json *into, struct err *err)
{
	const size_t first = strcspn(c->args, " \t");
	const char *equals = strchr(c->args, '=');

	if (equals && equals < c->args + first)
		return each_word(c, fn, into, err);
	const char *value = c->args + first + strspn(c->args + first, " \t");
	_buf_ struct buf text = BUF_INIT(TEXT_MAX);

	if (!*value)
		return bad(err, "not NAME=VALUE");
	TRY(buf_append(&text, c->args, first, err));
	TRY(buf_append_char(&text, '=', err));
	TRY(words_expand(value, json_get(c->run, "Env"), &text, err));
	return fn(into, buf_str(&text), err);
}

static int on_label(struct change_run *c, struct err *err)
{
	_json_ struct json *labels = copy(c->run, "Labels", JSON_OBJECT_);

	TRY(pairs(c, add_label, labels, err));
	json_set(c->run, "Labels", TAKE_PTR(labels));
	return 0;
}

static int on_env(struct change_run *c, struct err *err)
{
	_json_ struct json *news = json_new_array();

	TRY(pairs(c, add_variable, news, err));
	json_set(c->run, "Env", merge_env(json_get(c->run, "Env"), news));
	return 0;
}

/* ---- instructions ---- */

static const struct instruction {
	const char *name;
	int (*run)(struct change_run *c, struct err *err);
} instructions[] = {
	{ "CMD", on_cmd },
	{ "ENTRYPOINT", on_entrypoint },
	{ "ENV", on_env },
	{ "EXPOSE", on_expose },
	{ "LABEL", on_label },
	{ "ONBUILD", on_onbuild },
	{ "STOPSIGNAL", on_stopsignal },
	{ "USER", on_user },
	{ "VOLUME", on_volume },
	{ "WORKDIR", on_workdir },
};

static const struct instruction *find(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++)
		if (strlen(instructions[i].name) == len &&
		    !strncasecmp(instructions[i].name, text, len))
			return &instructions[i];
	return NULL;
}

static int apply(struct config_edit *edit, const char *text, struct err *err)
{
	const size_t word = strcspn(text, " \t");
	const struct instruction *found = find(text, word);
	const char *rest = text + word + strspn(text + word, " \t");
	size_t len = strlen(rest);

	if (!found)
		return err_set(err, ERR_USAGE,
			       "not one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, "
			       "STOPSIGNAL, USER, VOLUME, WORKDIR");
	while (len && isspace((unsigned char)rest[len - 1]))
		len--;
	if (!len)
		return bad(err, "needs an argument");
	_free_ char *args = xmemdupz(rest, len);
	struct change_run c = { .run = edit->run, .args = args, .edit = edit };

	return found->run(&c, err);
}

int config_change(struct config_edit *edit, const char *instruction, struct err *err)
{
	const char *text = instruction + strspn(instruction, " \t");
	int rc;

	if (strlen(text) > TEXT_MAX / 4)
		return err_set(err, ERR_USAGE, "--change: more than %zu bytes", TEXT_MAX / 4);
	if (!text_is_utf8(text, strlen(text)) || strpbrk(text, "\r\n"))
		rc = bad(err, "one line of UTF-8, please");
	else
		rc = apply(edit, text, err);
	if (rc < 0)
		(void)err_prefix(err, "--change '%s'", TEXT_ESCAPED(instruction));
	return rc;
}
