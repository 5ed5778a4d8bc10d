/* SPDX-License-Identifier: Apache-2.0 */
/* Which libcurl a request would use, for whoever reports a fault. */
#include "net/curl_dl.h"
#include "net/http.h"

int http_library_version(char *dst, size_t dst_bytes, struct err *err)
{
	struct curl_dl curl;

	TRY(curl_dl_load(&curl, err));
	const curl_version_info_data *about = curl.version_info(CURLVERSION_NOW);

	snprintf(dst, dst_bytes, "%s (%s)", about->version,
		 about->ssl_version ? about->ssl_version : "no TLS");
	curl_dl_unload(&curl);
	return 0;
}
