/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From merged names to the finished tree: what hangs from a directory that is gone is left out and
 * counted, children are sorted, nodes are numbered breadth-first so that the children of a
 * directory are neighbours, inodes are numbered by their first name.
 */
#include "layers/tree_merge.h"

#include "base/mem.h"

/* The work at hand: live names, directory by directory. */
struct sorting {
	const struct names *names;
	uint32_t *start; /* of each directory in `list`; one more at the end */
	uint32_t *list;
	uint32_t *queue; /* names in order of their numbers */
	uint32_t count;
};

static void sorting_fini(struct sorting *s)
{
	free(s->start);
	free(s->list);
	free(s->queue);
}

/* A directory dies with the one it is in. Parents come before their children. */
static void spread_death(const struct names *n)
{
	const uint32_t count = names_dir_count(n);

	for (uint32_t i = 0; i < count; i++) {
		struct dir *dir = names_dir(n, i);
		const uint32_t up = names_at(n, dir->owner)->dir;

		if (!dir->died && up != TREE_NONE)
			dir->died = names_dir(n, up)->died;
	}
}

/* A name that went with its directory: removed by the layer that the directory died in. */
static void count_dead(struct merge *m, const struct name *name, uint16_t died)
{
	struct tree_layer_stats *stats = &m->stats[died - 1];

	if (name->touched != died - 1) {
		stats->removed++;
	} else if (name->existed) {
		stats->changed--;
		stats->removed++;
	} else {
		stats->added--;
	}
}

static bool is_live(const struct names *n, const struct name *name)
{
	return name->inode != TREE_NONE && !names_dir(n, name->dir)->died;
}

/* Counts the live names of each directory into start[directory + 1]. */
static void count_names(struct merge *m, struct sorting *s)
{
	const uint32_t count = names_count(s->names);

	for (uint32_t i = 1; i < count; i++) {
		const struct name *name = names_at(s->names, i);

		if (is_live(s->names, name)) {
			s->start[name->dir + 1]++;
			s->count++;
		} else if (name->inode != TREE_NONE) {
			count_dead(m, name, names_dir(s->names, name->dir)->died);
		}
	}
}

/* A counting sort by directory. */
static void group_names(struct sorting *s)
{
	const uint32_t count = names_count(s->names), dirs = names_dir_count(s->names);

	for (uint32_t i = 1; i <= dirs; i++)
		s->start[i] += s->start[i - 1];
	s->list = xcalloc(s->count + 1u, sizeof(*s->list));
	/* Filling a group from its end moves its start back to where it belongs. */
	for (uint32_t i = count; i-- > 1;) {
		const struct name *name = names_at(s->names, i);

		if (is_live(s->names, name))
			s->list[--s->start[name->dir + 1]] = i;
	}
	for (uint32_t i = 0; i < dirs; i++)
		s->start[i] = s->start[i + 1];
	s->start[dirs] = s->count;
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct names *n = arg;

	return strcmp(names_text(n, *(const uint32_t *)a), names_text(n, *(const uint32_t *)b));
}

static void sort_names(struct sorting *s, uint32_t dir)
{
	uint32_t *first = s->list + s->start[dir];
	const uint32_t count = s->start[dir + 1] - s->start[dir];
	uint32_t i = 1;

	/* Most archives are sorted as they are. */
	while (i < count &&
	       compare_names(first + i - 1, first + i, (void *)(uintptr_t)s->names) < 0)
		i++;
	if (i < count)
		qsort_r(first, count, sizeof(*first), compare_names, (void *)(uintptr_t)s->names);
}

static struct tree_node make_node(const struct names *n, uint32_t name, uint32_t parent)
{
	const struct name *from = names_at(n, name);

	return (struct tree_node){
		.parent = parent, .first_child = TREE_NONE, .name = from->text, .inode = from->inode
	};
}

static void number_nodes(struct tree *t, struct sorting *s)
{
	uint32_t next = 1;

	s->queue[0] = 0;
	t->nodes[0] = make_node(s->names, 0, TREE_NONE);
	for (uint32_t i = 0; i < next; i++) {
		const uint32_t dir = names_at(s->names, s->queue[i])->own_dir;

		if (dir == TREE_NONE || s->start[dir] == s->start[dir + 1])
			continue;
		sort_names(s, dir);
		t->nodes[i].first_child = next;
		t->nodes[i].child_count = s->start[dir + 1] - s->start[dir];
		for (uint32_t k = s->start[dir]; k < s->start[dir + 1]; k++) {
			s->queue[next] = s->list[k];
			t->nodes[next++] = make_node(s->names, s->list[k], i);
		}
	}
	t->node_count = next;
}

static void make_nodes(struct merge *m, struct tree *t)
{
	_cleanup_(sorting_fini) struct sorting s = { .names = &m->names };

	s.start = xcalloc(names_dir_count(s.names) + 2u, sizeof(*s.start));
	spread_death(s.names);
	count_names(m, &s);
	group_names(&s);
	s.queue = xcalloc(s.count + 1u, sizeof(*s.queue));
	t->nodes = xcalloc(s.count + 1u, sizeof(*t->nodes));
	number_nodes(t, &s);
}

/* Numbers the inodes that still have names, by the first of them; `map` from old numbers to new. */
static void number_inodes(const struct merge *m, struct tree *t, uint32_t *map)
{
	for (uint32_t i = 0; i < t->node_count; i++) {
		const uint32_t old = t->nodes[i].inode;

		if (map[old] == 0)
			map[old] = ++t->inode_count;
		t->nodes[i].inode = map[old] - 1;
	}
	t->inodes = xcalloc(t->inode_count, sizeof(*t->inodes));
	for (size_t i = 0; i < m->inodes.len / sizeof(struct merge_inode); i++) {
		const struct merge_inode *from = merge_inode(m, (uint32_t)i);

		if (map[i])
			t->inodes[map[i] - 1] =
				(struct tree_inode){ .entry = from->entry,
						     .layer = from->layer,
						     .is_directory = from->type == '5',
						     .first_name = TREE_NONE };
	}
}

static void make_inodes(const struct merge *m, struct tree *t)
{
	_free_ uint32_t *map = xcalloc(m->inodes.len / sizeof(struct merge_inode), sizeof(*map));

	number_inodes(m, t, map);
	for (uint32_t i = 0; i != TREE_NONE; i = tree_walk_next(t, TREE_ROOT, i)) {
		struct tree_inode *inode = &t->inodes[t->nodes[i].inode];

		if (inode->first_name == TREE_NONE)
			inode->first_name = i;
		inode->nlink += inode->is_directory ? 2 : 1;
		if (inode->is_directory && i != TREE_ROOT)
			t->inodes[t->nodes[t->nodes[i].parent].inode].nlink++;
	}
}

/* What a layer added and no name leads to any more. */
static void count_waste(struct tree *t)
{
	for (size_t i = 0; i < t->layer_count; i++)
		t->stats[i].wasted_bytes = t->stats[i].added_bytes;
	for (uint32_t i = 0; i < t->inode_count; i++) {
		struct tar_entry e;

		if (t->inodes[i].layer == LAYER_IMPLIED)
			continue;
		layer_entry(t->layers[t->inodes[i].layer], t->inodes[i].entry, &e);
		t->stats[t->inodes[i].layer].wasted_bytes -= e.data_bytes;
	}
}

struct tree *merge_finish(struct merge *m)
{
	struct tree *t = NEW(struct tree);

	names_end(&m->names);
	t->layer_count = m->layer_count;
	t->layers = xcalloc(m->layer_count + 1, sizeof(const struct layer *));
	for (size_t i = 0; i < m->layer_count; i++)
		t->layers[i] = m->layers[i];
	make_nodes(m, t);
	t->stats = TAKE_PTR(m->stats);
	t->names = buf_take(&m->names.text);
	names_fini(&m->names);
	make_inodes(m, t);
	count_waste(t);
	return t;
}
