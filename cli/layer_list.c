/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's entries as lines. Names are bytes of the layer: escaped for people, U+FFFD for what is
 * not UTF-8 in JSON.
 */
#include "cli/layer_list.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/op.h"
#include "base/text.h"
#include "cli/out.h"

char *layer_list_mode(char dst[11], const struct tar_entry *entry)
{
	static const char types[] = { '-', 'h', 'l', 'c', 'b', 'd', 'p' };
	static const char bits[] = "rwxrwxrwx";
	const unsigned m = entry->mode;

	memcpy(dst, "?---------", 11);
	if (entry->type >= '0' && entry->type <= '6')
		dst[0] = types[entry->type - '0'];
	for (unsigned i = 0; i < 9; i++)
		if ((m & (0400u >> i)) != 0)
			dst[i + 1] = bits[i];
	if ((m & 04000) != 0)
		dst[3] = dst[3] == 'x' ? 's' : 'S';
	if ((m & 02000) != 0)
		dst[6] = dst[6] == 'x' ? 's' : 'S';
	if ((m & 01000) != 0)
		dst[9] = dst[9] == 'x' ? 't' : 'T';
	return dst;
}

const char *layer_list_whiteout(const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;

	if (!text_starts_with(last, ".wh."))
		return NULL;
	return strcmp(last, ".wh..wh..opq") == 0 ? "" : last + 4;
}

static const char *type_name(char type)
{
	static const char *const names[] = { "file",  "link",	   "symlink", "char",
					     "block", "directory", "fifo" };

	return type >= '0' && type <= '6' ? names[type - '0'] : "other";
}

static int put_json(const struct tar_entry *e, struct err *err)
{
	const char *hides = layer_list_whiteout(e->name);
	struct json *o = json_new_object();
	char mode[8], time[32];

	snprintf(mode, sizeof(mode), "%04o", e->mode);
	json_set_str(o, "Name", e->name);
	json_set_str(o, "Type", hides ? (*hides ? "whiteout" : "opaque") : type_name(e->type));
	json_set_str(o, "Mode", mode);
	json_set_int(o, "Uid", e->uid);
	json_set_int(o, "Gid", e->gid);
	json_set_int(o, "Size", (int64_t)e->size_bytes);
	json_set_str(o, "Modified", text_rfc3339(time, sizeof(time), e->mtime_sec));
	if (e->type == '1' || e->type == '2')
		json_set_str(o, "Target", e->link_name);
	if (e->type == '3' || e->type == '4') {
		json_set_int(o, "Major", e->dev_major);
		json_set_int(o, "Minor", e->dev_minor);
	}
	return out_json(o, 0, err);
}

static void put_text(const struct tar_entry *e)
{
	const char *hides = layer_list_whiteout(e->name);
	char mode[11], owner[48], size[32], time[32];

	snprintf(owner, sizeof(owner), "%" PRId64 "/%" PRId64, e->uid, e->gid);
	if (e->type == '3' || e->type == '4')
		snprintf(size, sizeof(size), "%u,%u", e->dev_major, e->dev_minor);
	else
		snprintf(size, sizeof(size), "%" PRIu64, e->size_bytes);
	text_rfc3339(time, sizeof(time), e->mtime_sec);
	printf("%s %-11s %10s  %.10s %.5s  ", layer_list_mode(mode, e), owner, size, time,
	       strlen(time) > 16 ? time + 11 : "");
	out_escaped(e->name);
	if (e->type == '2' || e->type == '1') {
		fputs(e->type == '2' ? " -> " : " link to ", stdout);
		out_escaped(e->link_name ? e->link_name : "");
	}
	if (hides && *hides) {
		fputs("  (removes ", stdout);
		out_escaped(hides);
		putchar(')');
	} else if (hides) {
		fputs("  (hides what the folder held)", stdout);
	}
	putchar('\n');
}

int layer_list_put(const struct tar_entry *entry, bool json, struct err *err)
{
	if (json)
		return put_json(entry, err);
	put_text(entry);
	return 0;
}

int layer_list_print(const struct op *op, const struct layer *layer, bool json, struct err *err)
{
	const size_t count = layer_entry_count(layer);

	for (size_t i = 0; i < count; i++) {
		struct tar_entry entry;

		layer_entry(layer, i, &entry);
		TRY(layer_list_put(&entry, json, err));
		if (ferror(stdout))
			return err_sys(err, EPIPE, "standard output");
		TRY(op_check(op, err));
	}
	return 0;
}
