/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image config (image-spec config.md; docker's is a superset): platform, process defaults,
 * DiffIDs, history. null is the same as absent throughout, as the spec says and as Go's encoder
 * writes. Values are kept as written: who turns them into users, paths or ports validates them
 * there.
 */
#ifndef IMG_MANIFEST_CONFIG_H
#define IMG_MANIFEST_CONFIG_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "manifest/annotations.h"
#include "manifest/document.h"
#include "manifest/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* docker's HEALTHCHECK. Times in nanoseconds; 0 is the default. */
struct image_healthcheck {
	struct json_strs test;
	int64_t interval_ns;
	int64_t timeout_ns;
	int64_t start_period_ns;
	int64_t start_interval_ns;
	int64_t retries;
};

/* The member "config": defaults for a container's process. Strings are NULL when absent. */
struct image_run {
	char *user;
	char *working_dir;
	char *stop_signal;
	struct json_strs env;
	struct json_strs entrypoint;
	struct json_strs cmd;
	struct json_strs shell;
	struct json_strs on_build;
	struct json_strs exposed_ports; /* the keys, in document order */
	struct json_strs volumes;	/* the keys, in document order */
	struct annotations labels;
	struct image_healthcheck *healthcheck; /* NULL when absent */
	bool args_escaped;
};

/* Reads the member "config" alone; absent and null are empty. */
int image_run_parse(const struct json *object, struct image_run *ret, struct err *err);
void image_run_fini(struct image_run *r);

struct image_history {
	char *created;
	char *created_by;
	char *author;
	char *comment;
	bool empty_layer;
};

/* Value; owns everything. */
struct image_config {
	struct platform platform; /* as written; real images lack parts of it */
	char *created;		  /* RFC 3339, as written */
	char *author;
	struct image_run run;
	struct digest *diff_ids; /* bottom first */
	size_t diff_id_count;
	struct image_history *history; /* oldest first */
	size_t history_count;
};

void image_config_fini(struct image_config *c);

static inline void image_config_fini_p(struct image_config *c)
{
	image_config_fini(c);
}
#define _image_config_ __attribute__((cleanup(image_config_fini_p)))

/*
 * Reads a config. rootfs with type "layers" is mandatory. ERR_LIMIT over DOCUMENT_BYTES_MAX or
 * DOCUMENT_ENTRIES_MAX, ERR_UNSUPPORTED for another rootfs.type or digest algorithm, else
 * ERR_DAMAGED.
 */
int image_config_parse(const void *bytes, size_t len, struct image_config *ret, struct err *err);
/* True when the history is absent or has one line that is not "empty_layer" for each DiffID. */
bool image_config_history_fits(const struct image_config *c);
/* The history line that made layer `layer` (from 0), or NULL when the history does not fit. */
const struct image_history *image_config_layer_history(const struct image_config *c, size_t layer);

/*
 * Checks that manifest and config make an image whose layers can be unpacked: an image config, as
 * many DiffIDs as layers (ERR_DAMAGED), each layer a file system layer that is not encrypted
 * (ERR_UNSUPPORTED).
 */
int image_check(const struct image_manifest *manifest, const struct image_config *config,
		struct err *err);

#endif
