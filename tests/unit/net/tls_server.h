/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS server on 127.0.0.1 with certificates made for the test: `openssl s_server`, which answers
 * GET /NAME with the file NAME of its folder, head and all. It ends with the test, also when that
 * crashes.
 */
#ifndef TESTS_UNIT_NET_TLS_SERVER_H
#define TESTS_UNIT_NET_TLS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Makes in the folder: ca.crt, server.pem (certificate and key, for 127.0.0.1 and localhost),
 * other.pem (for another name), client.cert and client.key. False without the openssl command.
 */
bool tls_make_certificates(const char *dir);

struct tls_server {
	pid_t pid;
	int keep; /* closing it ends the server */
	char host[32];
};
/* `options` are further words for s_server, or "". Aborts when it does not start. */
struct tls_server tls_server_start(const char *dir, const char *pem, const char *options);
void tls_server_stop(struct tls_server *s);
#define _tls_server_ __attribute__((cleanup(tls_server_stop)))

#endif
