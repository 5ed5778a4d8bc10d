/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: a file in staging/ for each, locked while its maker lives, a line for each thing. A line
 * counts when it is whole, so a maker may be killed while it writes. The lines are hints, safety
 * does not depend on them (store/keep.h): they save a pull from losing what it has just fetched.
 */
#include "store/pin.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/keep.h"
#include "store/staging.h"
#include "sys/file.h"

#include <string.h>

/* A pull has at most 20000 blobs and as many layers, of at most 150 bytes each. */
#define PIN_BYTES_MAX ((size_t)16 << 20)

struct pin {
	struct staged file; /* closed: it holds nothing */
};

int pin_new(struct store *store, struct pin **ret, struct err *err)
{
	const int staging = store_staging(store);
	struct staged file = STAGED_CLOSED;

	if (staging >= 0)
		TRY(staged_open_fresh(staging, PIN_PREFIX, &file, err));
	*ret = NEW(struct pin);
	(*ret)->file = file;
	return 0;
}

static int add_line(struct pin *pin, const char *kind, const struct digest *d, struct err *err)
{
	char line[DIGEST_TEXT_BYTES + 8];
	const int len = snprintf(line, sizeof(line), "%s %s\n", kind, DIGEST_TEXT(d));

	if (pin->file.fd < 0)
		return 0;
	return file_write_all(pin->file.fd, line, (size_t)len, pin->file.name, err);
}

int pin_blob(struct pin *pin, const struct digest *d, struct err *err)
{
	return add_line(pin, "blob", d, err);
}

int pin_layer(struct pin *pin, const struct digest *diffid, struct err *err)
{
	return add_line(pin, "layer", diffid, err);
}

void pin_free(struct pin *pin)
{
	if (!pin)
		return;
	staged_discard(&pin->file);
	free(pin);
}

/* --- reading --- */

struct reading {
	struct digest_set *blobs, *layers;
};

/* One line without its end; what is none of ours is passed over. */
static void read_line(const struct reading *r, const char *line, size_t len)
{
	static const char blob[] = "blob ", layer[] = "layer ";
	struct digest d;

	if (!strncmp(line, blob, strlen(blob)) &&
	    digest_parse(line + strlen(blob), len - strlen(blob), &d, NULL) == 0)
		digest_set_add(r->blobs, &d);
	if (!strncmp(line, layer, strlen(layer)) &&
	    digest_parse(line + strlen(layer), len - strlen(layer), &d, NULL) == 0)
		digest_set_add(r->layers, &d);
}

static void read_lines(const struct reading *r, const struct buf *text)
{
	const char *line = buf_str(text), *end;

	for (; (end = strchr(line, '\n')); line = end + 1)
		read_line(r, line, (size_t)(end - line));
}

static int read_pin(void *arg, const struct staging_entry *e, struct err *err)
{
	_buf_ struct buf text = BUF_INIT(PIN_BYTES_MAX);

	if (!e->is_live || e->st.st_size == 0 || !text_starts_with(e->name, PIN_PREFIX))
		return 0;
	TRY(buf_reserve(&text, (size_t)e->st.st_size, err));
	/* It may have grown since: what came later is for the next look. */
	TRY(file_pread_all(e->fd, text.data, (size_t)e->st.st_size, 0, err));
	text.len = (size_t)e->st.st_size;
	text.data[text.len] = '\0';
	read_lines(arg, &text);
	return 0;
}

int pins_read(struct store *store, struct digest_set *blobs, struct digest_set *layers,
	      struct err *err)
{
	struct reading r = { .blobs = blobs, .layers = layers };
	struct err why = { 0 };
	int fd = -1;
	int rc = store_folder(store, "staging", &fd, &why);

	if (rc == 0) {
		rc = staging_walk(fd, read_pin, &r, &why);
		(void)close(fd);
	}
	/* None in memory, or before the first writer. */
	if (rc == 0 || why.kind == ERR_UNSUPPORTED || why.kind == ERR_NOT_FOUND)
		return 0;
	err_keep_first(err, &why);
	return rc;
}
