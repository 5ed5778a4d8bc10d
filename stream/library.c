/* SPDX-License-Identifier: Apache-2.0 */
/* What is linked, in its own words. ISA-L has no words of its own at run time. */
#include "stream/library.h"

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>
#if IMG_HAVE_ISAL
#include <isa-l.h>
#endif

const char *library_sha2(void)
{
#if IMG_STATIC_SHA2
	/* Asking it would link all of it. */
	return OPENSSL_VERSION_TEXT;
#else
	return OpenSSL_version(OPENSSL_VERSION);
#endif
}

const char *library_zstd(void)
{
	return ZSTD_versionString();
}

const char *library_gzip(void)
{
#if IMG_HAVE_ISAL
#define TEXT_OF(a, b, c)  "ISA-L " #a "." #b "." #c
#define TEXT_OF_(a, b, c) TEXT_OF(a, b, c)
	const char *no = getenv("IMG_NO_ISAL");

	if (!no || strcmp(no, "1") != 0)
		return TEXT_OF_(ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION);
#endif
	return "zlib " ZLIB_VERSION;
}
