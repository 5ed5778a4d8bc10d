/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds libcurl at run time. Either TLS flavour of Debian will do; the one of OpenSSL is tried
 * first.
 */
#include "net/curl_dl.h"

#include "base/mem.h"

#include <dlfcn.h>

static void *open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	const char *gnutls = secure_getenv("IMG_CURL_GNUTLS");
	const size_t first = gnutls && strcmp(gnutls, "1") == 0;
	void *handle = NULL;

	for (size_t i = first; i < ARRAY_SIZE(names) && !handle; i++)
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return handle;
}

/* Fills in the whole table. Returns the name of a function that is missing, or NULL. */
static const char *find_functions(void *handle, struct curl_dl *curl)
{
	const char *missing = NULL;

#define FIND(name)                                                         \
	curl->name = (__typeof__(curl->name))dlsym(handle, "curl_" #name); \
	if (!curl->name)                                                   \
		missing = "curl_" #name;
	CURL_DL_FUNCTIONS(FIND)
	return missing;
}

int curl_dl_load(struct curl_dl *ret, struct err *err)
{
	void *handle = open_library();
	struct curl_dl curl = { 0 };
	const char *missing;
	CURLcode code;

	if (!handle) {
		const char *why = dlerror();

		err_set(err, ERR_UNSUPPORTED, "registries need libcurl: %s", why ? why : "?");
		err_hint(err, "install libcurl4");
		return -err_class(ERR_UNSUPPORTED)->errnum;
	}
	missing = find_functions(handle, &curl);
	if (missing)
		return err_set(err, ERR_UNSUPPORTED, "libcurl is too old: it has no %s", missing);
	code = curl.global_init(CURL_GLOBAL_DEFAULT);
	if (code != CURLE_OK)
		return err_set(err, ERR_FAILED, "libcurl: %s", curl.easy_strerror(code));
	*ret = curl;
	return 0;
}

void curl_dl_unload(const struct curl_dl *curl)
{
	curl->global_cleanup();
}
