/* SPDX-License-Identifier: Apache-2.0 */
/* Tars for tests: headers by hand, layers from text. */
#include "tests/unit/layers/tarmaker.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

void tarmaker_fini(struct tarmaker *t)
{
	free(t->data);
	*t = (struct tarmaker){ 0 };
}

void tarmaker_raw(struct tarmaker *t, const void *bytes, size_t len)
{
	if (t->len + len > t->alloc) {
		t->alloc = (t->len + len) * 2 + 4096;
		t->data = xreallocarray(t->data, t->alloc, 1);
	}
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
}

void tarmaker_data(struct tarmaker *t, const void *bytes, size_t len)
{
	static const char zeros[512];

	tarmaker_raw(t, bytes, len);
	tarmaker_raw(t, zeros, (size_t)(-len % 512));
}

void tarmaker_sum(struct tarmaker *t, size_t offset, int is_signed)
{
	unsigned char *block = t->data + offset;
	char text[16];
	long sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += is_signed ? (signed char)block[i] : block[i];
	snprintf(text, sizeof(text), "%06lo", (unsigned long)sum);
	memcpy(block + 148, text, 7);
}

void tarmaker_patch(struct tarmaker *t, size_t offset, size_t at, const void *bytes, size_t len)
{
	memcpy(t->data + offset + at, bytes, len);
	tarmaker_sum(t, offset, 0);
}

static void put_text(unsigned char *block, size_t at, const char *text, size_t room)
{
	if (text)
		memcpy(block + at, text, strnlen(text, room));
}

/* Octal, or base-256 when it does not fit. */
static void put_number(unsigned char *block, size_t at, int64_t value, size_t room)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*" PRIo64, (int)room - 1, (uint64_t)value);
	if (value >= 0 && strlen(text) < room) {
		memcpy(block + at, text, room);
		return;
	}
	for (size_t i = room; i-- > 0; value >>= 8)
		block[at + i] = (unsigned char)value;
	block[at] |= 0x80;
}

size_t tarmaker_header(struct tarmaker *t, const struct tm_header *h)
{
	const size_t offset = t->len;
	unsigned char block[512] = { 0 };

	put_text(block, 0, h->name, 100);
	put_number(block, 100, h->mode, 8);
	put_number(block, 108, h->uid, 8);
	put_number(block, 116, h->gid, 8);
	put_number(block, 124, (int64_t)h->size, 12);
	put_number(block, 136, h->mtime, 12);
	block[156] = (unsigned char)h->type;
	put_text(block, 157, h->link, 100);
	memcpy(block + 257, h->magic ? h->magic : TM_USTAR, 8);
	if (!h->magic || h->magic[0]) {
		put_number(block, 329, h->dev_major, 8);
		put_number(block, 337, h->dev_minor, 8);
	}
	put_text(block, 345, h->prefix, 155);
	tarmaker_raw(t, block, sizeof(block));
	tarmaker_sum(t, offset, 0);
	return offset;
}

void tarmaker_file(struct tarmaker *t, const char *name, const char *text)
{
	tarmaker_header(t, &(struct tm_header){
				   .type = '0', .name = name, .mode = 0644, .size = strlen(text) });
	tarmaker_data(t, text, strlen(text));
}

size_t tarmaker_record(char *dst, const char *key, const void *value, size_t value_len)
{
	size_t len = strlen(key) + value_len + 3, digits = 1;

	for (size_t n = 10; n <= len + digits; n *= 10)
		digits++;
	len += digits;
	const int head = snprintf(dst, 4096, "%zu %s=", len, key);

	memcpy(dst + head, value, value_len);
	dst[len - 1] = '\n';
	return len;
}

void tarmaker_meta(struct tarmaker *t, char type, const void *body, size_t len)
{
	tarmaker_header(t,
			&(struct tm_header){ .type = type,
					     .name = "././@Meta",
					     .size = len,
					     .magic = type == 'L' || type == 'K' ? TM_GNU : NULL });
	tarmaker_data(t, body, len);
}

void tarmaker_pax(struct tarmaker *t, int type, ...)
{
	static char body[2 * 1024 * 1024];
	const char *key;
	size_t len = 0;
	va_list ap;

	va_start(ap, type);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		len += tarmaker_record(body + len, key, value, strlen(value));
	}
	va_end(ap);
	tarmaker_meta(t, (char)type, body, len);
}

void tarmaker_end(struct tarmaker *t)
{
	static const char zeros[1024];

	tarmaker_raw(t, zeros, sizeof(zeros));
}

/* --- layers from text --- */

/* Cuts `s` in two at the first `by`; the second half, or NULL. */
static char *cut(char *s, const char *by)
{
	char *at = strstr(s, by);

	if (!at)
		return NULL;
	*at = '\0';
	return at + strlen(by);
}

static void add_device(struct tarmaker *t, struct tm_header *h, char *numbers)
{
	uint64_t major = 0, minor = 0;
	char *dot = numbers ? cut(numbers, ".") : NULL;

	if (dot) {
		text_parse_u64(numbers, strlen(numbers), 10, &major);
		text_parse_u64(dot, strlen(dot), 10, &minor);
	}
	h->dev_major = (unsigned)major;
	h->dev_minor = (unsigned)minor;
	tarmaker_header(t, h);
}

static void add_directory(struct tarmaker *t, struct tm_header *h, char *name)
{
	char *mode = cut(name, ":");
	uint64_t bits;
	_free_ char *slashed = NULL;

	if (mode && text_parse_u64(mode, strlen(mode), 8, &bits) == 0)
		h->mode = (unsigned)bits;
	slashed = xasprintf("%s/", name);
	h->name = slashed;
	tarmaker_header(t, h);
}

static void add_word(struct tarmaker *t, char *word)
{
	static const char kinds[] = "fhlcbdp";
	const char *kind = strchr(kinds, word[0]);
	char *name = word + 2, *value;
	struct tm_header h = { .name = name, .mode = 0644, .mtime = 1000 };

	if (!kind)
		abort();
	h.type = (char)('0' + (kind - kinds));
	if (h.type == '5') {
		h.mode = 0755;
		add_directory(t, &h, name);
		return;
	}
	value = cut(name, h.type == '1' || h.type == '2' ? "->" : "=");
	if (h.type == '0') {
		tarmaker_file(t, name, value ? value : "");
	} else if (h.type == '3' || h.type == '4') {
		add_device(t, &h, value);
	} else {
		h.link = value;
		tarmaker_header(t, &h);
	}
}

void tarmaker_text(struct tarmaker *t, const char *text)
{
	_free_ char *copy = xstrdup(text);
	char *next;

	for (char *word = copy; word; word = next) {
		next = cut(word, ";");
		word += strspn(word, " ");
		for (size_t n = strlen(word); n > 2 && word[n - 1] == ' ';)
			word[--n] = '\0';
		if (*word)
			add_word(t, word);
	}
	tarmaker_end(t);
}

/* --- through the code under test --- */

static int memory_file(void)
{
	const int fd = memfd_create("tarmaker", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

static int feed(struct layer_indexer *x, const struct tarmaker *t, size_t chunk, unsigned seed,
		struct err *err)
{
	for (size_t at = 0; at < t->len;) {
		size_t n = chunk;
		_free_ void *copy = NULL;

		if (!n) {
			seed = seed * 1103515245u + 12345u;
			n = seed >> 16 & 1 ? 1 : (seed >> 17) % 1500 + 1;
		}
		if (n > t->len - at)
			n = t->len - at;
		/* Of its own, so that a look beyond it is seen. */
		copy = xmemdupz(t->data + at, n);
		TRY(layer_indexer_feed(x, copy, n, err));
		at += n;
	}
	return layer_indexer_finish(x, err);
}

int tarmaker_index(const struct tarmaker *t, size_t chunk, unsigned seed, struct err *err)
{
	_close_ int fd = memory_file();
	struct layer_indexer *x = layer_indexer_new(fd);
	const int rc = feed(x, t, chunk, seed, err);

	layer_indexer_free(x);
	return rc < 0 ? rc : TAKE_FD(fd);
}

int tarmaker_layer(const struct tarmaker *t, struct layer **ret, struct err *err)
{
	const int tar = memory_file();

	for (size_t at = 0; at < t->len;) {
		const ssize_t n = write(tar, t->data + at, t->len - at);

		if (n <= 0)
			abort();
		at += (size_t)n;
	}
	return layer_open(NULL, (struct layer_files){ tar, -1, false }, ret, err);
}

int tm_tree_init(struct tm_tree *t, struct op *op, const char *const *texts)
{
	*t = (struct tm_tree){ 0 };
	for (; *texts; texts++) {
		_tarmaker_ struct tarmaker tar = { 0 };

		tarmaker_text(&tar, *texts);
		TRY(tarmaker_layer(&tar, &t->layers[t->count], &t->err));
		t->count++;
	}
	return tree_build(op, t->layers, t->count, &t->tree, &t->err);
}

void tm_tree_fini(struct tm_tree *t)
{
	tree_free(t->tree);
	while (t->count)
		layer_free(t->layers[--t->count]);
}

static void print_node(const struct tree *tree, uint32_t node, struct buf *out, struct err *err)
{
	_buf_ struct buf path = BUF_INIT(SIZE_MAX - 1), first = BUF_INIT(SIZE_MAX - 1);
	struct tree_stat st;
	char text[256];
	ssize_t n;

	tree_stat(tree, node, &st);
	tree_path(tree, node, &path, err);
	tree_path(tree, tree_first_name(tree, st.inode), &first, err);
	if (out->len)
		buf_append_str(out, "; ", err);
	if (tree_first_name(tree, st.inode) != node) {
		buf_printf(out, err, "h %s->%s", buf_str(&path), buf_str(&first));
	} else if (S_ISREG(st.mode)) {
		n = tree_read(tree, (struct tree_place){ node, 0 }, text, sizeof(text), err);
		buf_printf(out, err, n > 0 ? "f %s=%.*s" : "f %s", buf_str(&path), (int)n, text);
	} else if (S_ISLNK(st.mode)) {
		buf_printf(out, err, "l %s->%s", buf_str(&path), st.link_target);
	} else if (S_ISDIR(st.mode)) {
		buf_printf(out, err, "d %s", buf_str(&path));
		if ((st.mode & 07777) != 0755)
			buf_printf(out, err, ":%o", st.mode & 07777);
	} else if (S_ISFIFO(st.mode)) {
		buf_printf(out, err, "p %s", buf_str(&path));
	} else {
		buf_printf(out, err, "%c %s=%u.%u", S_ISCHR(st.mode) ? 'c' : 'b', buf_str(&path),
			   st.dev_major, st.dev_minor);
	}
}

char *tm_tree_text(const struct tree *tree)
{
	struct buf out = BUF_INIT(SIZE_MAX - 1);
	struct err err = { 0 };

	for (uint32_t i = tree_walk_next(tree, TREE_ROOT, TREE_ROOT); i != TREE_NONE;
	     i = tree_walk_next(tree, TREE_ROOT, i))
		print_node(tree, i, &out, &err);
	return buf_take(&out);
}
