/* SPDX-License-Identifier: Apache-2.0 */
/* Random layers, the same every time: whatever tree comes out, the kernel has to see just that. */
#include "base/mem.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>

#define SEEDS	    24u
#define ENTRIES_MAX 120u

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(d->state >> 33) % sides;
}

static void random_name(struct dice *d, char *dst, size_t room)
{
	static const char *const dirs[] = { "", "d/", "d/e/", "!/", "d/e/f/g/", "\xff/", "many/" };
	const char first = "a.-~!\xc3Z_"[roll(d, 8)];

	snprintf(dst, room, "%s%c%x%.*s", dirs[roll(d, ARRAY_SIZE(dirs))], first, roll(d, 900),
		 (int)roll(d, 60), "-a-rather-long-tail-of-a-name-that-fills-blocks-in-many-ways");
}

static void random_xattrs(struct dice *d, struct tarmaker *t)
{
	static const char *const keys[] = { "SCHILY.xattr.user.a", "SCHILY.xattr.trusted.bc",
					    "SCHILY.xattr.security.def",
					    "SCHILY.xattr.user.a-longer-one" };
	static char body[8192];
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char value[700];
		const unsigned bytes = roll(d, sizeof(value));

		memset(value, 'a' + (int)i, sizeof(value));
		if (roll(d, 2))
			len += tarmaker_record(body + len, keys[i], value, bytes);
	}
	if (len)
		tarmaker_meta(t, 'x', body, len);
}

static void random_entry(struct dice *d, struct tarmaker *t)
{
	static const unsigned sizes[] = { 0, 1, 511, 512, 513, 4095, 4096, 4097, 9000, 70000 };
	char name[128], target[600];
	struct tm_header h = { .type = "0000052236734"[roll(d, 13)],
			       .name = name,
			       .link = target,
			       .mode = roll(d, 010000),
			       .uid = roll(d, 100000),
			       .gid = roll(d, 100000),
			       .mtime = roll(d, 2000000000),
			       .dev_major = 1 + roll(d, 4000),
			       .dev_minor = roll(d, 1000000) };

	random_name(d, name, sizeof(name));
	memset(target, 't', sizeof(target));
	target[1 + roll(d, roll(d, 8) ? 40 : 598)] = '\0';
	if (!roll(d, 4))
		random_xattrs(d, t);
	if (h.type == '0' || h.type == '7') {
		erofsmaker_file(t, name, sizes[roll(d, ARRAY_SIZE(sizes))]);
		return;
	}
	h.link = h.type == '2' ? target : NULL;
	erofsmaker_header(t, &h);
}

/* False when the layers contradict themselves: a file for a parent, say. */
static bool random_image(struct erofsmaker *m, uint64_t seed)
{
	struct dice d = { seed };
	struct err err = { 0 };

	for (unsigned layer = 0, count = 1 + roll(&d, 3); layer < count; layer++) {
		_tarmaker_ struct tarmaker t = { 0 };

		for (unsigned i = 0, entries = 1 + roll(&d, ENTRIES_MAX); i < entries; i++)
			random_entry(&d, &t);
		tarmaker_end(&t);
		erofsmaker_layer(m, &t);
	}
	if (erofsmaker_write(m, &err) < 0)
		return false;
	CU_ASSERT_EQUAL_FATAL(erofs_open(m->fd, &m->image, &err), 0);
	CU_ASSERT_EQUAL_FATAL(erofs_verify(NULL, m->image, &err), 0);
	return true;
}

void test_erofs_random__the_kernel_sees_the_tree(void)
{
	unsigned compared = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		_erofsmaker_ struct erofsmaker m = erofsmaker_make();

		if (!random_image(&m, seed * 1000003))
			continue;
		if (!erofsmaker_compare(&m))
			return;
		compared++;
	}
	CU_ASSERT_TRUE(compared > SEEDS / 2);
}
