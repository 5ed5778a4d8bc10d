/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of an image as lines. Ids are numbers: what the names are is the image's own business. All
 * text is the image's: escaped for people, U+FFFD for what is not UTF-8 in JSON.
 */
#include "cli/look_row.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/layer_list.h"
#include "cli/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

char *look_mode(char dst[11], uint32_t mode)
{
	const struct tar_entry entry = { .type = tar_type_of(mode), .mode = mode & 07777 };

	return layer_list_mode(dst, &entry);
}

const char *look_type(uint32_t mode)
{
	static const char *const names[] = { "file",  "link",	   "symlink", "char",
					     "block", "directory", "fifo" };

	return names[tar_type_of(mode) - '0'];
}

char *look_time(char dst[24], int64_t sec)
{
	char text[32];

	text_rfc3339(text, sizeof(text), sec);
	/* Beyond the years that have a name. */
	if (strlen(text) < 16)
		snprintf(dst, 24, "%16" PRId64, sec);
	else
		snprintf(dst, 24, "%.10s %.5s", text, text + 11);
	return dst;
}

static bool is_device(const struct tree_stat *st)
{
	return S_ISCHR(st->mode) || S_ISBLK(st->mode);
}

static int digits(uint64_t n)
{
	int count = 1;

	for (; n > 9; n /= 10)
		count++;
	return count;
}

static void widen(int *width, int by)
{
	if (by > *width)
		*width = by;
}

static unsigned layer_number(const struct tree_stat *st)
{
	return st->layer == UINT16_MAX ? 0 : st->layer + 1u;
}

void look_measure(struct look_widths *w, const struct tree_stat *st)
{
	widen(&w->links, digits(st->nlink));
	widen(&w->uid, digits((uint64_t)st->uid));
	widen(&w->gid, digits((uint64_t)st->gid));
	widen(&w->size, is_device(st) ? digits(st->dev_major) + digits(st->dev_minor) + 1
				      : digits(st->size_bytes));
	widen(&w->layer, digits(layer_number(st)));
}

void look_print(const struct look_widths *w, const struct tree_stat *st, const char *name)
{
	char mode[11], size[32], time[24], layer[16] = "-";

	if (is_device(st))
		snprintf(size, sizeof(size), "%u,%u", st->dev_major, st->dev_minor);
	else
		snprintf(size, sizeof(size), "%" PRIu64, st->size_bytes);
	if (layer_number(st))
		snprintf(layer, sizeof(layer), "%u", layer_number(st));
	printf("%s %*u %*" PRId64 " %*" PRId64 " %*s %s #%-*s ", look_mode(mode, st->mode),
	       w->links, st->nlink, w->uid, st->uid, w->gid, st->gid, w->size, size,
	       look_time(time, st->mtime_sec), w->layer, layer);
	out_escaped(name);
	if (st->link_target) {
		fputs(" -> ", stdout);
		out_escaped(st->link_target);
	}
	putchar('\n');
}

/* Text of the image; in base64 too when JSON can't hold its bytes. */
static void set_text(struct json *o, const char *key, const char *base64_key, const char *text)
{
	json_set_str(o, key, text);
	if (text_is_utf8(text, strlen(text)))
		return;
	_free_ char *encoded = base64_encode((const uint8_t *)text, strlen(text));

	json_set_str(o, base64_key, encoded);
}

static void set_xattrs(struct json *o, const struct tree *tree, uint32_t node)
{
	struct json *list = NULL;
	struct tar_xattr x;

	for (size_t i = 0; tree_xattr(tree, node, i, &x); i++) {
		_free_ char *value = base64_encode(x.value, x.value_len);

		if (!list)
			list = json_new_object();
		json_set_str(list, x.name, value);
	}
	if (list)
		json_set(o, "Xattrs", list);
}

struct json *look_json(const struct tree *tree, uint32_t node, const char *path)
{
	struct json *o = json_new_object();
	struct tree_stat st;
	char mode[8], time[32];

	tree_stat(tree, node, &st);
	snprintf(mode, sizeof(mode), "%04o", st.mode & 07777);
	set_text(o, "Path", "PathBase64", path);
	json_set_str(o, "Type", look_type(st.mode));
	json_set_str(o, "Mode", mode);
	json_set_int(o, "Uid", st.uid);
	json_set_int(o, "Gid", st.gid);
	json_set_int(o, "Size", (int64_t)st.size_bytes);
	json_set_str(o, "ModTime", text_rfc3339(time, sizeof(time), st.mtime_sec));
	json_set_int(o, "ModSeconds", st.mtime_sec);
	json_set_int(o, "ModNanoseconds", st.mtime_nsec);
	json_set_int(o, "Links", st.nlink);
	json_set_int(o, "Inode", st.inode);
	if (layer_number(&st))
		json_set_int(o, "Layer", layer_number(&st));
	else
		json_set(o, "Layer", json_new_null());
	if (st.link_target)
		set_text(o, "Target", "TargetBase64", st.link_target);
	if (is_device(&st)) {
		json_set_int(o, "Major", st.dev_major);
		json_set_int(o, "Minor", st.dev_minor);
	}
	set_xattrs(o, tree, node);
	return o;
}
