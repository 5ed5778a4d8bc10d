/* SPDX-License-Identifier: Apache-2.0 */
/* What people and programs see of a mount. */
#include "cli/mount_view.h"

#include "base/json.h"
#include "base/text.h"

const char *mount_view_state(enum mount_state state)
{
	static const char *const names[] = {
		[MOUNT_ACTIVE] = "active",
		[MOUNT_ELSEWHERE] = "elsewhere",
		[MOUNT_STALE] = "stale",
		[MOUNT_NONE] = "unmounted",
	};

	return names[state];
}

struct json *mount_view_json(const struct mount_entry *e)
{
	struct json *o = json_new_object();
	char created[21];

	json_set_str(o, "Id", e->id);
	json_set_str(o, "Image", e->image);
	json_set_str(o, "Manifest", DIGEST_TEXT(&e->manifest));
	json_set_bool(o, "Writable", e->is_writable);
	json_set_bool(o, "Volatile", e->is_volatile);
	json_set_str(o, "Driver", e->driver);
	json_set_str(o, "State", mount_view_state(e->state));
	json_set_str(o, "Path", e->path);
	json_set_str(o, "UidMap", e->uidmap);
	json_set_str(o, "GidMap", e->gidmap);
	json_set_str(o, "Created", text_rfc3339(created, sizeof(created), e->created_at));
	return o;
}
