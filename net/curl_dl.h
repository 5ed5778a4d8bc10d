/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl as a table of functions, filled by dlopen when the first request is made: linking with it
 * would cost every command ten milliseconds (33 libraries). The types come from its header, so a
 * call is checked like a direct one.
 */
#ifndef IMG_NET_CURL_DL_H
#define IMG_NET_CURL_DL_H

#include "base/err.h"

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>

/* Name in the table, after "curl_". */
#define CURL_DL_FUNCTIONS(X)   \
	X(global_init)         \
	X(global_cleanup)      \
	X(version_info)        \
	X(easy_init)           \
	X(easy_cleanup)        \
	X(easy_reset)          \
	X(easy_setopt)         \
	X(easy_getinfo)        \
	X(easy_pause)          \
	X(easy_strerror)       \
	X(multi_init)          \
	X(multi_cleanup)       \
	X(multi_add_handle)    \
	X(multi_remove_handle) \
	X(multi_perform)       \
	X(multi_poll)          \
	X(multi_info_read)     \
	X(multi_setopt)        \
	X(multi_strerror)      \
	X(slist_append)        \
	X(slist_free_all)

#define CURL_DL_MEMBER(name) __typeof__(&curl_##name) name;

/* Value. */
struct curl_dl {
	CURL_DL_FUNCTIONS(CURL_DL_MEMBER)
};

/*
 * Loads libcurl.so.4 (or libcurl-gnutls.so.4 where it is missing, and first with IMG_CURL_GNUTLS=1
 * in the environment) and starts it. ERR_UNSUPPORTED when there is none. Not to be called from two
 * threads at once.
 */
int curl_dl_load(struct curl_dl *ret, struct err *err);
/*
 * Gives back what curl_dl_load took. The library itself stays: its exit handlers would outlive it.
 */
void curl_dl_unload(const struct curl_dl *curl);

#endif
