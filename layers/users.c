/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd(5) and group(5) of an image. Lines that aren't well-formed are passed over, as libc does.
 */
#include "layers/users.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <sys/stat.h>

#define FIELDS_MAX 7

/* A line taken apart at its colons; pieces are terminated in place. */
struct line {
	char *fields[FIELDS_MAX];
	size_t count;
};

void user_fini(struct user *u)
{
	free(u->groups);
	free(u->home);
	*u = (struct user){ 0 };
}

/* The file's text; empty when it isn't there or isn't a regular file. */
static int read_file(const struct tree *tree, const char *path, struct buf *out, struct err *err)
{
	struct tree_stat st;
	uint32_t node;
	uint64_t offset = 0;

	if (tree_lookup(tree, path, true, &node, NULL) < 0)
		return 0;
	tree_stat(tree, node, &st);
	if (!S_ISREG(st.mode))
		return 0;
	if (st.size_bytes > USERS_FILE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "/%s of the image has %" PRIu64 " bytes", path,
			       st.size_bytes);
	TRY(buf_reserve(out, (size_t)st.size_bytes, err));
	while (offset < st.size_bytes) {
		const ssize_t n = tree_read(tree, (struct tree_place){ node, offset },
					    out->data + offset, (size_t)(st.size_bytes - offset),
					    err);

		TRY(n);
		if (n == 0)
			break;
		offset += (uint64_t)n;
	}
	out->len = (size_t)offset;
	if (out->data)
		out->data[out->len] = '\0';
	return 0;
}

/* Takes the next line off *at; false at the end. */
static bool next_line(char **at, struct line *ret)
{
	char *p = *at;

	if (!p || !*p)
		return false;
	char *end = strchrnul(p, '\n');

	*at = *end ? end + 1 : end;
	*end = '\0';
	ret->count = 0;
	while (p && ret->count < FIELDS_MAX) {
		char *colon = ret->count + 1 < FIELDS_MAX ? strchr(p, ':') : NULL;

		ret->fields[ret->count++] = p;
		if (colon)
			*colon = '\0';
		p = colon ? colon + 1 : NULL;
	}
	return true;
}

/* 1 a number in range, 0 not a number, negative: a number that must not be used. */
static int number(const char *text, uint32_t *ret, struct err *err)
{
	const size_t len = strlen(text);
	uint64_t n = 0;
	const int rc = text_parse_u64(text, len, 10, &n);

	if (rc == -ERANGE || (rc == 0 && n > INT32_MAX))
		return err_set(err, ERR_DAMAGED, "user or group number %s is out of range",
			       TEXT_ESCAPED(text));
	if (rc < 0)
		return 0;
	*ret = (uint32_t)n;
	return 1;
}

/* Quietly: a number in range or not. */
static bool is_number(const char *text, uint32_t *ret)
{
	return number(text, ret, NULL) == 1;
}

/* Whom we look for, and what was found. */
struct search {
	const char *text;
	uint32_t id;
	bool by_id;
};

static bool matches(const struct search *s, const struct line *line)
{
	uint32_t id = 0;

	return s->by_id ? is_number(line->fields[2], &id) && id == s->id
			: !strcmp(line->fields[0], s->text);
}

/* 1 found, 0 not; fills uid, gid, home and *ret_name. */
static int find_user(const struct tree *tree, const struct search *s, struct user *u,
		     char **ret_name, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(USERS_FILE_BYTES_MAX);
	struct line line;
	char *at;

	TRY(read_file(tree, "etc/passwd", &text, err));
	at = text.data;
	while (next_line(&at, &line)) {
		if (line.count < 6 || !matches(s, &line) || !is_number(line.fields[2], &u->uid) ||
		    !is_number(line.fields[3], &u->gid))
			continue;
		*ret_name = xstrdup(line.fields[0]);
		u->home = xstrdup(line.fields[5]);
		return 1;
	}
	return 0;
}

static int find_group(const struct tree *tree, const char *name, uint32_t *ret, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(USERS_FILE_BYTES_MAX);
	const struct search s = { .text = name };
	struct line line;
	char *at;

	TRY(read_file(tree, "etc/group", &text, err));
	at = text.data;
	while (next_line(&at, &line))
		if (line.count >= 3 && matches(&s, &line) && is_number(line.fields[2], ret))
			return 0;
	return err_set(err, ERR_DAMAGED, "group '%s' is not in the image's /etc/group",
		       TEXT_ESCAPED(name));
}

static bool is_member(const char *list, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, name, len) && (!p[len] || p[len] == ','))
			return true;
	return false;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_groups(struct user *u)
{
	size_t kept = 0;

	if (u->group_count)
		qsort(u->groups, u->group_count, sizeof(u->groups[0]), by_value);
	for (size_t i = 0; i < u->group_count; i++)
		if (!kept || u->groups[kept - 1] != u->groups[i])
			u->groups[kept++] = u->groups[i];
	u->group_count = kept;
}

static int add_groups(const struct tree *tree, const char *name, struct user *u, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(USERS_FILE_BYTES_MAX);
	struct line line;
	uint32_t gid = 0;
	char *at;

	TRY(read_file(tree, "etc/group", &text, err));
	at = text.data;
	while (next_line(&at, &line)) {
		if (line.count < 4 || !is_member(line.fields[3], name) ||
		    !is_number(line.fields[2], &gid))
			continue;
		if (u->group_count >= USERS_GROUPS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d groups", USERS_GROUPS_MAX);
		u->groups = xreallocarray(u->groups, u->group_count + 1, sizeof(u->groups[0]));
		u->groups[u->group_count++] = gid;
	}
	sort_groups(u);
	return 0;
}

static int resolve_user(const struct tree *tree, const char *text, bool with_groups, struct user *u,
			struct err *err)
{
	_free_ char *name = NULL;
	struct search s = { .text = text };
	const int numeric = number(text, &s.id, err);
	int found;

	TRY(numeric);
	s.by_id = numeric == 1;
	found = find_user(tree, &s, u, &name, err);
	TRY(found);
	if (!found && !s.by_id)
		return err_set(err, ERR_DAMAGED, "user '%s' is not in the image's /etc/passwd",
			       TEXT_ESCAPED(text));
	if (!found)
		u->uid = s.id;
	return found && with_groups ? add_groups(tree, name, u, err) : 0;
}

static int resolve_group(const struct tree *tree, const char *text, struct user *u, struct err *err)
{
	const int numeric = number(text, &u->gid, err);

	TRY(numeric);
	return numeric ? 0 : find_group(tree, text, &u->gid, err);
}

int user_resolve(const struct tree *tree, const char *text, struct user *ret, struct err *err)
{
	struct user u = { 0 };
	_free_ char *name = xstrdup(text && *text ? text : "0");
	char *colon = strchr(name, ':');
	int rc;

	if (colon)
		*colon = '\0';
	rc = resolve_user(tree, *name ? name : "0", !colon || !colon[1], &u, err);
	if (rc == 0 && colon && colon[1])
		rc = resolve_group(tree, colon + 1, &u, err);
	if (rc < 0) {
		user_fini(&u);
		return rc;
	}
	if (!u.home || u.home[0] != '/') {
		free(u.home);
		u.home = xstrdup("/");
	}
	*ret = u;
	return 0;
}
