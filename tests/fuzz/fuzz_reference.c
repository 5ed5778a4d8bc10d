/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References of any text: what parses comes back from its canonical form unchanged, and neither
 * domain nor path can leave a folder.
 */
#include "base/mem.h"
#include "manifest/place.h"
#include "manifest/reference.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct reference *ref, enum reference_mode mode)
{
	struct reference _reference_ again = { 0 };
	char *_free_ text = reference_canonical(ref);
	unsigned port;

	if (reference_scan(text, mode, &again) != REFERENCE_OK)
		abort();
	char *_free_ text_again = reference_canonical(&again);

	if (strcmp(text, text_again) != 0 || !digest_equal(&ref->digest, &again.digest))
		abort();
	if (ref->path && (strstr(ref->path, "..") || strstr(ref->path, "//") || *ref->path == '/'))
		abort();
	if (ref->domain && (strstr(ref->domain, "..") || strchr(ref->domain, '/')))
		abort();
	if (ref->tag && !reference_is_tag(ref->tag))
		abort();
	(void)reference_port(ref, &port, NULL);
}

static void try_mode(const char *text, enum reference_mode mode)
{
	struct reference _reference_ ref = { 0 };

	if (reference_scan(text, mode, &ref) != REFERENCE_OK)
		return;
	check_again(&ref, mode);
	if (mode == REFERENCE_NORMALIZED && (!ref.domain || !ref.path))
		abort();
	char *_free_ familiar = reference_familiar(&ref);

	if (!*familiar)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *_free_ text = xmemdupz(data, size);
	struct place _place_ place = { 0 };
	struct reference _reference_ ref = { 0 };
	struct err err = { 0 };

	try_mode(text, REFERENCE_RAW);
	try_mode(text, REFERENCE_NORMALIZED);
	try_mode(text, REFERENCE_ANY);
	(void)reference_parse(text, &ref, &err);
	(void)reference_looks_like_host_port(text);
	if (place_parse(text, &place, &err) == 0) {
		char *_free_ back = place_text(&place);

		if (strcmp(back, text) != 0)
			abort();
	}
	return 0;
}
