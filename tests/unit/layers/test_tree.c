/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging layers, as rows: layers in, tree out. The numbers are those of the table of adversarial
 * cases that the project keeps of layer application; the rest are the rules of image-spec layer.md.
 * A wanted text that begins with '!' is part of the error.
 */
#include "layers/tree.h"

#include "base/mem.h"
#include "tests/unit/layers/tarmaker.h"

#include <CUnit/CUnit.h>

struct row {
	const char *title;
	const char *layers[4];
	const char *want;
};

static void complain(const struct row *row, const char *got)
{
	printf("# %s\n#   got  %s\n#   want %s\n", row->title, got, row->want);
	CU_FAIL("tree differs");
}

static void check_row(const struct row *row)
{
	_tm_tree_ struct tm_tree t = { 0 };
	_free_ char *got = NULL;
	const int rc = tm_tree_init(&t, NULL, row->layers);

	if (rc < 0) {
		if (row->want[0] != '!' || !strstr(t.err.msg, row->want + 1))
			complain(row, t.err.msg);
		else
			CU_PASS("error");
		return;
	}
	got = tm_tree_text(t.tree);
	if (strcmp(got, row->want) != 0)
		complain(row, got);
	else
		CU_PASS("tree");
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i]);
}

void test_tree__links_stay_inside_the_root(void)
{
	static const struct row rows[] = {
		{ "1 through a link",
		  { "d etc; l localetc->/etc; f localetc/unbroken=hi" },
		  "d etc; f etc/unbroken=hi; l localetc->/etc" },
		{ "2 through a link with a part that is missing",
		  { "d etc; l localetc->/dummy/../etc; f localetc/x=hi" },
		  "d etc; f etc/x=hi; l localetc->/dummy/../etc" },
		{ "3 through a chain",
		  { "d etc; d dummy; l dummy/etc->/etc; l localetc->dummy/etc;"
		    "f dummy/etc/a=1; f localetc/b=2" },
		  "d dummy; l dummy/etc->/etc; d etc; f etc/a=1; f etc/b=2; l localetc->dummy/etc" },
		{ "4 emptied through a link",
		  { "d etc; l localetc->/etc; f etc/emptied=full; f localetc/emptied" },
		  "d etc; f etc/emptied; l localetc->/etc" },
		{ "5 hard link through a link",
		  { "d etc; f etc/passwd=root; d breakouts; l breakouts/d1->../../etc;"
		    "h breakouts/mypasswd->/breakouts/d1/passwd" },
		  "d breakouts; l breakouts/d1->../../etc; f breakouts/mypasswd=root; d etc;"
		  " h etc/passwd->breakouts/mypasswd" },
		{ "6 the same, far about",
		  { "d etc; f etc/passwd=root; d b; l b/d1->../downandout/../../etc;"
		    "h b/mypasswd->/b/d1/passwd" },
		  "d b; l b/d1->../downandout/../../etc; f b/mypasswd=root; d etc;"
		  " h etc/passwd->b/mypasswd" },
		{ "7 the same, far up",
		  { "d etc; f etc/passwd=root; l localetc->../../../../../../../etc;"
		    "h mypasswd->/localetc/passwd" },
		  "d etc; f etc/passwd=root; l localetc->../../../../../../../etc;"
		  " h mypasswd->etc/passwd" },
		{ "8 hard link far up",
		  { "d etc; f etc/passwd=root; h x->../../../../../etc/passwd" },
		  "d etc; f etc/passwd=root; h x->etc/passwd" },
		{ "9 absolute hard link",
		  { "d etc; f etc/passwd=root; h x->/etc/passwd" },
		  "d etc; f etc/passwd=root; h x->etc/passwd" },
		{ "10 link named ..",
		  { "d etc; f etc/passwd=root; l ..->/etc/; h x->/etc/passwd" },
		  "d etc; f etc/passwd=root; h x->etc/passwd" },
		{ "11 link without a name", { "d etc; l ->/etc/; f etc/a" }, "d etc; f etc/a" },
		{ "12 link behind ..",
		  { "d etc; l localetc/sub/..->/etc/; f localetc/a" },
		  "d etc; f etc/a; l localetc->/etc/" },
		{ "a name that leads out",
		  { "f a/../../b" },
		  "!layer 1 of 1: 'a/../../b': the name "
		  "leads out of the root" },
		{ "a name that goes up and down",
		  { "d a; f a/../b=1; f /c=2; f .//d=3; f a//e" },
		  "d a; f a/e; f b=1; f c=2; f d=3" },
		{ "names that need cleaning, one after the other",
		  { "f x/../a/f=1; f x/../b/f=2; f a/g; f x/../b/h" },
		  "d a; f a/f=1; f a/g; d b; f b/f=2; f b/h" },
		{ "link to a directory that is missing",
		  { "l l->/dne; f l/x=1" },
		  "d dne; f dne/x=1; l l->/dne" },
		{ "a loop", { "l a->b; l b->a; f a/x" }, "!too many symbolic links" },
		{ "a loop onto itself", { "l a->a/b; f a/x" }, "!too many symbolic links" },
		{ "a loop that the layer above replaces",
		  { "l a->b; l b->a", "d a; f a/x; f a/.wh.y" },
		  "d a; f a/x; l b->a" },
		{ "a whiteout in a loop", { "l a->a", "f a/.wh.y" }, "l a->a" },
		{ "a hard link into a loop", { "l a->a; h b->a/x" }, "!the target is missing" },
		{ "40 links are well",
		  { "d 0; l 1->0; l 2->1; l 3->2; l 4->3; f 4/x=1" },
		  "d 0; f 0/x=1; l 1->0; l 2->1; l 3->2; l 4->3" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_tree__links_and_directories_replace_each_other(void)
{
	static const struct row rows[] = {
		{ "13 directory replaced by a link",
		  { "d etc; f etc/passwd=root; d localetc; f localetc/gone",
		    "l localetc->../../etc; h x->localetc/passwd; f localetc/y" },
		  "d etc; f etc/passwd=root; f etc/y; l localetc->../../etc; h x->etc/passwd" },
		{ "14 link replaced by a directory",
		  { "d etc; f etc/p=old; l localetc->/etc", "d localetc; f localetc/p=new" },
		  "d etc; f etc/p=old; d localetc; f localetc/p=new" },
		{ "15 the same after a hard link through it",
		  { "d etc; f etc/passwd=old; l localetc->etc; h a->localetc/passwd",
		    "d localetc; f localetc/localpasswd=new; h b->localetc/localpasswd" },
		  "f a=old; f b=new; d etc; h etc/passwd->a; d localetc;"
		  " h localetc/localpasswd->b" },
		{ "24 back and forth",
		  { "d foo; d foo/tmp; f foo/tmp/b=1; l foo->/; f foo/tmp/b=2; d foo; d foo/tmp;"
		    "f foo/tmp/b=3" },
		  "d foo; d foo/tmp; f foo/tmp/b=3; d tmp; f tmp/b=2" },
		{ "25 hard link to a link",
		  { "d etc; l l->/etc/passwd; h h->l; f etc/passwd=real" },
		  "d etc; f etc/passwd=real; l h->/etc/passwd; h l->h" },
		{ "26 hard link to a link that leads away",
		  { "l l->/etc/shadow; h h->l" },
		  "l h->/etc/shadow; h l->h" },
		{ "36 file over a directory", { "d a; d a/b; f a/b/c", "f a=1" }, "f a=1" },
		{ "37 directory over a file", { "f a=1", "d a; f a/b" }, "d a; f a/b" },
		{ "38 below a file of a lower layer", { "f a=1", "f a/b=2" }, "d a; f a/b=2" },
		{ "38 below a file that a link leads to",
		  { "f f=1; l l->f", "f l/b=2" },
		  "d f; f f/b=2; l l->f" },
		{ "39 below a file of the same layer",
		  { "f a=1; f a/b=2" },
		  "!layer 1 of 1: 'a/b': a parent is a file" },
		{ "39 below a file that replaced one",
		  { "f a=1", "f a=2; f a/b=2" },
		  "!layer 2 of 2: 'a/b': a parent is a file" },
		{ "39 below a file that replaced a directory",
		  { "d a; f a/x", "f a=2; d a/b" },
		  "!a parent is a file" },
		{ "40 the last one counts", { "f a=1; l a->b; d a; f a=2" }, "f a=2" },
		{ "40 the last one counts, with children", { "d a; f a/b; f a=1; d a" }, "d a" },
		{ "directory over a directory keeps children",
		  { "d a; f a/b", "d a:700" },
		  "d a:700; f a/b" },
		{ "27 root as a link", { "l ./->x" }, "!the root can only be a directory" },
		{ "27 root as a file", { "f /" }, "!the root can only be a directory" },
		{ "27 root as a hard link",
		  { "f a; h ./->a" },
		  "!the root can only be a directory" },
		{ "root as a directory", { "d .; d /; f a" }, "f a" },
		{ "79 nothing at all", { "" }, "" },
		{ "70 case matters", { "f A=1; f a=2" }, "f A=1; f a=2" },
		{ "55 what overlayfs calls a whiteout is a device",
		  { "f a", "c a=0.0" },
		  "c a=0.0" },
		{ "devices and fifos",
		  { "c n=1.3; b s=8.4294967295; p f" },
		  "p f; c n=1.3; b s=8.4294967295" },
		{ "71 link to nothing", { "l a->" }, "!a symbolic link to nothing" },
		{ "71 link to wherever", { "l a->/proc/self/fd/7" }, "l a->/proc/self/fd/7" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_tree__hard_links(void)
{
	static const struct row rows[] = {
		{ "41 one name of two replaced",
		  { "f a=old; h b->a", "f a=new" },
		  "f a=new; f b=old" },
		{ "41 the other one", { "f a=old; h b->a", "f b=new" }, "f a=old; f b=new" },
		{ "42 into a lower layer", { "f a=1", "h b->a" }, "f a=1; h b->a" },
		{ "43 before its target",
		  { "h b->a; f a=1" },
		  "!layer 1 of 1: 'b': hard link to 'a': the target is missing" },
		{ "43 no target", { "h b->a" }, "!'b': hard link to 'a': the target is missing" },
		{ "43 no text", { "h b->" }, "!the target is missing" },
		{ "43 parent missing", { "h b->x/a" }, "!the target is missing" },
		{ "43 before its target, with an old one",
		  { "f a=old", "h b->a; f a=new" },
		  "f a=new; f b=old" },
		{ "44 to itself", { "f a=1; h a->a" }, "f a=1" },
		{ "44 to itself, otherwise written", { "f a=1; h a->./x/../a" }, "f a=1" },
		{ "44 to itself, absent", { "h a->a" }, "!the target is missing" },
		{ "45 to a directory",
		  { "d a; h b->a" },
		  "!'b': hard link to 'a': it is a directory" },
		{ "45 to the root", { "d a; h b->/" }, "!it is a directory" },
		{ "in place of the directory that holds it",
		  { "d d; f d/f=1", "h d->d/f" },
		  "!it is inside the directory that the link replaces" },
		{ "in place of another directory",
		  { "d d; f d/f=1; f g=2", "h d->g" },
		  "f d=2; h g->d" },
		{ "chain", { "f a=1; h b->a; h c->b" }, "f a=1; h b->a; h c->a" },
		{ "to a device and a fifo",
		  { "c a=1.3; h b->a; p c; h d->c" },
		  "c a=1.3; h b->a; p c; h d->c" },
		{ "the target is hidden by the same layer",
		  { "f a=1", "h b->a; f .wh.a" },
		  "!the target is missing" },
		{ "the other name is hidden", { "f a=1; h b->a", "f .wh.a" }, "f b=1" },
		{ "its target's last part is not followed",
		  { "f f=1; l l->f; h h->l" },
		  "f f=1; l h->f; h l->h" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_tree__whiteouts(void)
{
	static const struct row rows[] = {
		{ "16 of the parent", { "f .wh..." }, "!a whiteout of nothing" },
		{ "16 of the parent, below",
		  { "d etc; f etc/.wh..." },
		  "!layer 1 of 1: 'etc/.wh...': a whiteout of nothing" },
		{ "17 of the directory", { "f .wh.." }, "!a whiteout of nothing" },
		{ "17 of the directory, below", { "d etc; f etc/.wh.." }, "!a whiteout of nothing" },
		{ "18 of nothing", { "f .wh." }, "!a whiteout of nothing" },
		{ "19 of a link",
		  { "d etc; f etc/a; l localetc->/etc", "f .wh.localetc" },
		  "d etc; f etc/a" },
		{ "20 through a link",
		  { "d etc; f etc/w; l localetc->/etc", "f localetc/.wh.w" },
		  "d etc; l localetc->/etc" },
		{ "through a link that only a lower layer seemed to replace, from beyond another",
		  { "d z; d d2; f d2/q=1; l a->z; l z/b->../d2", "d a; d a/b; f a/.wh.x",
		    "f z/b/.wh.q" },
		  "d a; d a/b; d d2; d z; l z/b->../d2" },
		{ "21 through a link to nothing",
		  { "d etc; l localetc->/dne", "f localetc/.wh.etc" },
		  "d etc; l localetc->/dne" },
		{ "22 behind ..", { "d etc; f etc/a", "f dne/../.wh.etc" }, "" },
		{ "22 out of the root", { "d etc", "f ../.wh.etc" }, "!leads out of the root" },
		{ "23 as a directory", { "f .wh.etc/somefile=x" }, "!names that begin with .wh." },
		{ "23 as a directory entry",
		  { "d etc", "d .wh.etc" },
		  "!a whiteout that is not a file" },
		{ "as a link", { "d etc", "l .wh.etc->x" }, "!a whiteout that is not a file" },
		{ "as a hard link, as aufs had it", { "d etc; f x", "h .wh.etc->x" }, "f x" },
		{ "hidden behind ..", { "f .wh.x/../y" }, "!a whiteout hidden behind '..'" },
		{ "not at the start of a name",
		  { "f a.wh.b; f c/x.wh.; f .whx" },
		  "f .whx; f a.wh.b; d c; f c/x.wh." },
		{ "a link to such a name",
		  { "l a->.wh.b; l b->c/.wh.d" },
		  "l a->.wh.b; l b->c/.wh.d" },
		{ "no directory of that name through a link",
		  { "l a->.wh.b; f a/x" },
		  "!names that begin with .wh." },
		{ "30 and recreated", { "d d:700; f d/x", "f .wh.d; f d/new" }, "d d; f d/new" },
		{ "30 the other way round",
		  { "d d:700; f d/x", "f d/new; f .wh.d" },
		  "d d; f d/new" },
		{ "34 twice",
		  { "d d; f d/x; f d/y", "f d/.wh.x; f d/.wh.x; f d/.wh..wh..opq" },
		  "d d" },
		{ "35 of what is missing", { "f a", "f .wh.b; f c/.wh.d" }, "f a" },
		{ "35 below a file", { "f a=1", "f a/.wh.b" }, "f a=1" },
		{ "in the lowest layer",
		  { "f .wh.a; f a=1; d d; f d/.wh..wh..opq; f d/b" },
		  "f a=1; d d; f d/b" },
		{ "of a file that the same layer brings",
		  { "f a=old", "f .wh.a; f a=new" },
		  "f a=new" },
		{ "28 29 after it", { "f a=old", "f a=new; f .wh.a" }, "f a=new" },
		{ "of a directory with all that is in it",
		  { "d a; d a/b; f a/b/c; f ab", "f .wh.a" },
		  "f ab" },
		{ "below a link that this layer replaces",
		  { "d etc; f etc/p; l l->etc", "f l/.wh.p; d l; f l/q" },
		  "d etc; f etc/p; d l; f l/q" },
		{ "below a link that another link replaces",
		  { "d etc; f etc/p; d var; f var/p; l l->etc", "f l/.wh.p; l l->var" },
		  "d etc; f etc/p; l l->var; d var; f var/p" },
		{ "through a link that an earlier layer replaced",
		  { "d etc; f etc/p; l l->x", "f l/.wh.zz; l l->etc", "f l/.wh.p" },
		  "d etc; l l->etc" },
		{ "leftovers of aufs",
		  { "d .wh..wh.plnk; f .wh..wh.plnk/12.34=x; f .wh..wh.aufs; d .wh..wh.orph; f a" },
		  "f a" },
		{ "other markers of aufs", { "d d; f d/.wh..wh.x; f d/y" }, "d d; f d/y" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

void test_tree__opaque_directories(void)
{
	static const struct row rows[] = {
		{ "27 the root", { "d a; f a/b; f c", "f .wh..wh..opq; f d" }, "f d" },
		{ "31 last in the archive",
		  { "d d:700; f d/x; f d/y", "f d/z; f d/.wh..wh..opq" },
		  "d d:700; f d/z" },
		{ "32 on a link",
		  { "d etc; f etc/a; l d->/etc", "f d/.wh..wh..opq" },
		  "d d; d etc; f etc/a" },
		{ "32 on a link, with files",
		  { "d etc; f etc/a; l d->/etc", "f d/b; f d/.wh..wh..opq" },
		  "d d; f d/b; d etc; f etc/a" },
		{ "on a link that this layer replaces",
		  { "d etc; f etc/a; l d->/etc", "f d/.wh..wh..opq; d d:700; f d/b" },
		  "d d:700; f d/b; d etc; f etc/a" },
		{ "on a file", { "f d=1", "f d/.wh..wh..opq" }, "d d" },
		{ "33 with files whose parents have no entry",
		  { "d d; f d/x; d d/old; f d/old/y", "f d/n/deep/f=1; f d/.wh..wh..opq" },
		  "d d; d d/n; d d/n/deep; f d/n/deep/f=1" },
		{ "33 with a directory that was there",
		  { "d d; d d/n; f d/n/x; f d/n/f=0", "f d/n/f=1; f d/.wh..wh..opq" },
		  "d d; d d/n; f d/n/f=1" },
		{ "of what is missing", { "f a", "f b/.wh..wh..opq; f c/d/.wh..wh..opq" }, "f a" },
		{ "through a link",
		  { "d a; d a/b; f a/b/c; l l->a", "f l/b/.wh..wh..opq" },
		  "d a; d a/b; l l->a" },
		{ "twice over",
		  { "d d; f d/1", "f d/.wh..wh..opq; f d/2", "f d/.wh..wh..opq; f d/3" },
		  "d d; f d/3" },
		{ "with content", { "d d; f d/1", "f d/.wh..wh..opq=x" }, "d d" },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

/* A layer's entries in another order: rotated by `by`, then turned round when `back`. */
static char *reorder(const char *text, size_t by, bool back)
{
	_free_ char *copy = xstrdup(text);
	char *words[16], *save = copy;
	size_t count = 0, len = strlen(text) + 64;
	char *out = xcalloc(1, len);

	while (save && count < ARRAY_SIZE(words)) {
		words[count++] = strsep(&save, ";");
	}
	for (size_t i = 0, used = 0; i < count; i++) {
		const size_t at = (i + by) % count;

		used += (size_t)snprintf(out + used, len - used, "%s;",
					 words[back ? count - 1 - at : at]);
	}
	return out;
}

void test_tree__markers_work_wherever_they_stand(void)
{
	static const struct row rows[] = {
		{ "whiteout", { "f a=old; f b", "f a=new;f .wh.a;f .wh.b;f c" }, "f a=new; f c" },
		{ "opaque",
		  { "d d; f d/x; d d/n; f d/n/y", "f d/.wh..wh..opq;f d/z;f d/n/f;f e" },
		  "d d; d d/n; f d/n/f; f d/z; f e" },
		{ "both",
		  { "d d; f d/x", "f d/.wh..wh..opq;f d/.wh.x;f d/x=1;f .wh.d" },
		  "d d; f d/x=1" },
		{ "replaced link",
		  { "d etc; f etc/p; l l->etc", "f l/.wh.p;d l;f l/.wh..wh..opq" },
		  "d etc; f etc/p; d l" },
		{ "type changes",
		  { "d a; f a/x; f b", "f .wh.a;f .wh.b;f a=1;d b;f b/y" },
		  "f a=1; d b; f b/y" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t turn = 0; turn < 10; turn++) {
			_free_ char *top = reorder(rows[i].layers[1], turn / 2, turn % 2);
			const struct row row = { rows[i].title,
						 { rows[i].layers[0], top },
						 rows[i].want };

			check_row(&row);
		}
}
