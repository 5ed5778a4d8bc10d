/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the libraries that streams stand on, for whoever reports a fault. */
#ifndef IMG_STREAM_LIBRARY_H
#define IMG_STREAM_LIBRARY_H

/* Digests: "OpenSSL 3.0.17 1 Jul 2025". */
const char *library_sha2(void);
/* "1.5.4". */
const char *library_zstd(void);
/* gzip, as it would be read now: "ISA-L 2.30.0" (what it was built with) or "zlib 1.2.13". */
const char *library_gzip(void);

#endif
