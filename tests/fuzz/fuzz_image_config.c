/* SPDX-License-Identifier: Apache-2.0 */
/* Image configs of any bytes: parsed whole, or an error and nothing. */
#include "base/mem.h"
#include "manifest/config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_config _image_config_ c = { 0 };
	struct err err = { 0 };

	if (image_config_parse(data, size, &c, &err) < 0) {
		if (!err.kind || c.diff_ids || c.history)
			abort();
		return 0;
	}
	for (size_t i = 0; i < c.diff_id_count; i++) {
		if (c.diff_ids[i].alg == DIGEST_NONE)
			abort();
		if (c.history_count &&
		    image_config_history_fits(&c) != (image_config_layer_history(&c, i) != NULL))
			abort();
	}
	char *_free_ text = platform_text(&c.platform);

	return !*text;
}
