/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of an index that serves a platform, where the entries don't say it themselves. */
#ifndef IMG_TRANSPORT_CHOOSE_H
#define IMG_TRANSPORT_CHOOSE_H

#include "base/buf.h"
#include "base/err.h"
#include "manifest/choose.h"

/* How documents and configs are read: appended to `out`, verified, whole. */
struct choose_reader {
	int (*read)(void *arg, const struct descriptor *d, bool is_config, struct buf *out,
		    struct err *err);
	void *arg;
};
/*
 * Finds the entry for `want`, reading the configs of entries that state no platform only when none
 * that states one will do. ERR_NOT_FOUND lists what is available. *ret is borrowed from `index`.
 */
int choose_entry(const struct index *index, const struct platform *want,
		 const struct choose_reader *reader, const struct descriptor **ret,
		 struct err *err);

#endif
