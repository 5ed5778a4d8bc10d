/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: whom we trust, who we are, and http or https where the name does not say. */
#include "tests/unit/net/fetching.h"
#include "tests/unit/net/tls_server.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>

#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define EMPTY "Content-Length: 0\r\n\r\n"

struct world {
	struct fetching f; /* fetch is made by ask() */
	char *dir;	   /* certificates, and the files that are served */
	bool can;
};

static struct fetch_config verifying(void)
{
	struct fetch_config config = fetching_config();

	config.plain_http = false;
	config.retries = 0;
	return config;
}

static void world_init(struct world *w)
{
	const struct fetch_config config = verifying();

	fetching_init(&w->f, &config);
	home_write(&w->f.home, "srv/x", OK);
	w->dir = home_path(&w->f.home, "srv");
	w->can = tls_make_certificates(w->dir);
	if (!w->can)
		test_skip("no openssl command");
}

static void world_fini(struct world *w)
{
	free(w->dir);
	fetching_fini(&w->f);
}
#define _world_ __attribute__((cleanup(world_fini)))

/* Writes srv/certs/NAME as a copy of srv/FROM. */
static void install(struct world *w, const char *from, const char *to)
{
	_free_ char *source = xasprintf("srv/%s", from);
	_free_ char *text = home_read(&w->f.home, source);

	home_write(&w->f.home, to, text ? text : "");
}

/* One GET of /x with a fetch of its own. */
static int ask(struct world *w, const char *host, const struct fetch_config *config)
{
	/* Nothing may be open when a fetch goes. */
	http_response_close(TAKE_PTR(w->f.res));
	fetch_free(w->f.fetch);
	w->f.fetch = NULL;
	w->f.notes[0] = '\0';
	if (fetch_new(config, &w->f.fetch, &w->f.err) < 0)
		abort();
	const int rc = fetching_send(&w->f, (struct fetch_request){ .host = host, .path = "/x" });

	return rc < 0 ? rc : http_response_status(w->f.res) != 200;
}

static bool works(struct world *w, const char *host, const struct fetch_config *config)
{
	const int rc = ask(w, host, config);

	return row_int(w->f.err.msg, "rc", 0, rc);
}

void test_tls__roots(void)
{
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *cert_dir = NULL, *file = NULL, *certs_d = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(w.dir, "server.pem", "");

	/* Nobody vouches for it. */
	config.https_only = true;
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_TRUE(row_err("no root", &w.f.err, ERR_DENIED, s.host));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.f.err.hint, "--tls-verify=false"));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.f.err.hint, "--cert-dir"));
	/* The environment does: a file, a folder. */
	file = xasprintf("%s/ca.crt", w.dir);
	setenv("SSL_CERT_FILE", file, 1);
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	unsetenv("SSL_CERT_FILE");
	install(&w, "ca.crt", "roots/any-name");
	home_write(&w.f.home, "roots/notes.txt", "no certificate");
	cert_dir = home_path(&w.f.home, "roots");
	file = (free(file), xasprintf("/nonexistent:%s", cert_dir));
	setenv("SSL_CERT_DIR", file, 1);
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	unsetenv("SSL_CERT_DIR");
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	/* certs.d does, without any flag. */
	certs_d = xasprintf(".config/containers/certs.d/%s/my.crt", s.host);
	install(&w, "ca.crt", certs_d);
	config.https_only = false;
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	CU_ASSERT_TRUE(ask(&w, "127.0.0.1:1", &config) < 0);
}

void test_tls__cert_dir(void)
{
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *dir = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(w.dir, "server.pem", "");

	dir = home_path(&w.f.home, "certs");
	install(&w, "ca.crt", "certs/ca.crt");
	config.cert_dir = dir;
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	home_write(&w.f.home, "certs/broken.crt", "this is no certificate");
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_TRUE(row_err("broken", &w.f.err, ERR_USAGE, "broken.crt"));
	config.cert_dir = "/nonexistent";
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_TRUE(row_err("absent", &w.f.err, ERR_NOT_FOUND, "/nonexistent"));
}

void test_tls__another_name(void)
{
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *dir = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(w.dir, "other.pem", "");

	dir = home_path(&w.f.home, "certs");
	install(&w, "ca.crt", "certs/ca.crt");
	config.cert_dir = dir;
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_EQUAL(w.f.err.kind, ERR_DENIED);
	config.tls_verify = false;
	CU_ASSERT_TRUE(works(&w, s.host, &config));
}

void test_tls__client_certificates(void)
{
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *dir = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(
		w.dir, "server.pem", "-CAfile ca.crt -Verify 1 -verify_return_error");

	dir = home_path(&w.f.home, "certs");
	install(&w, "ca.crt", "certs/ca.crt");
	config.cert_dir = dir;
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_TRUE(row_err("no client certificate", &w.f.err, ERR_DENIED, s.host));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.f.err.hint, "client certificate"));
	install(&w, "client.cert", "certs/c.cert");
	install(&w, "client.key", "certs/c.key");
	CU_ASSERT_TRUE(works(&w, s.host, &config));
}

/* A client certificate is the registry's alone; its roots serve where it sends us, too. */
void test_tls__what_goes_along_with_a_redirect(void)
{
	static const struct {
		const char *options;
		bool good;
	} rows[] = {
		{ "", true },
		{ "-CAfile ca.crt -Verify 1 -verify_return_error", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fetch_config config = verifying();
		_world_ struct world w;
		_free_ char *certs = NULL, *answer = NULL;

		world_init(&w);
		if (!w.can)
			return;
		_tls_server_ struct tls_server there =
			tls_server_start(w.dir, "server.pem", rows[i].options);
		_tls_server_ struct tls_server s = tls_server_start(
			w.dir, "server.pem", "-CAfile ca.crt -Verify 1 -verify_return_error");

		home_write(&w.f.home, "srv/blob", OK);
		answer = xasprintf("HTTP/1.0 307 T\r\nLocation: https://%s/blob\r\n\r\n",
				   there.host);
		home_write(&w.f.home, "srv/x", answer);
		const char *const files[][2] = { { "ca.crt", "ca.crt" },
						 { "client.cert", "c.cert" },
						 { "client.key", "c.key" } };

		for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
			free(certs);
			certs = xasprintf(".config/containers/certs.d/%s/%s", s.host, files[k][1]);
			install(&w, files[k][0], certs);
		}
		CU_ASSERT_EQUAL(ask(&w, s.host, &config) == 0, rows[i].good);
		CU_ASSERT_EQUAL(w.f.err.kind, rows[i].good ? ERR_NONE : ERR_DENIED);
	}
}

/* Where a redirect goes, that host's own roots count. */
void test_tls__roots_of_another_host(void)
{
	struct fetch_config config = verifying();
	struct server_step steps[2] = { { .text = OK } };
	_free_ char *answer = NULL, *certs = NULL;
	_world_ struct world w;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server there = tls_server_start(w.dir, "server.pem", "");

	answer = xasprintf("HTTP/1.1 307 T\r\nLocation: https://%s/x\r\n" EMPTY, there.host);
	steps[1].text = answer;
	w.f.server = server_start(steps, 2);
	CU_ASSERT_TRUE(ask(&w, server_host(w.f.server), &config) < 0);
	CU_ASSERT_EQUAL(w.f.err.kind, ERR_DENIED);
	certs = xasprintf(".config/containers/certs.d/%s/ca.crt", there.host);
	install(&w, "ca.crt", certs);
	config.plain_http = true; /* the steps are at the redirect now */
	CU_ASSERT_EQUAL(ask(&w, server_host(w.f.server), &config), 0);
}

void test_tls__never_down_to_http(void)
{
	static const struct server_step plain[] = { { .text = OK } };
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *answer = NULL, *dir = NULL, *to = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(w.dir, "server.pem", "");

	w.f.other = server_start(plain, 1);
	to = server_url(w.f.other, "/y");
	answer = xasprintf("HTTP/1.0 307 T\r\nLocation: %s\r\n\r\n", to);
	home_write(&w.f.home, "srv/x", answer);
	dir = home_path(&w.f.home, "certs");
	install(&w, "ca.crt", "certs/ca.crt");
	config.cert_dir = dir;
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_TRUE(row_err("https to http", &w.f.err, ERR_DENIED, "from https to http"));
	CU_ASSERT_EQUAL(server_request_count(w.f.other), 0);
	config.tls_verify = false;
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	CU_ASSERT_EQUAL(server_request_count(w.f.other), 1);
}

/*
 * --- http or https
 * --------------------------------------------------------------------------------
 */

void test_tls__loopback_hosts_are_probed(void)
{
	static const struct server_step plain[] = { { .text = OK } };
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *file = NULL;

	world_init(&w);
	w.f.server = server_start(plain, 1);
	CU_ASSERT_EQUAL(ask(&w, server_host(w.f.server), &config), 0);
	CU_ASSERT_TRUE(fetching_saw(w.f.server, 0, "GET /v2/ "));
	CU_ASSERT_TRUE(fetching_saw(w.f.server, 1, "GET /x "));
	CU_ASSERT_EQUAL(server_request_count(w.f.server), 2);
	/* Once is enough. */
	CU_ASSERT_EQUAL(fetching_get(&w.f, "/x"), 0);
	CU_ASSERT_EQUAL(server_request_count(w.f.server), 3);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(w.dir, "server.pem", "");

	file = xasprintf("%s/ca.crt", w.dir);
	setenv("SSL_CERT_FILE", file, 1);
	CU_ASSERT_TRUE(works(&w, s.host, &config));
	unsetenv("SSL_CERT_FILE");
	/* It speaks TLS, so what is wrong with its certificate is the news. */
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
	CU_ASSERT_EQUAL(w.f.err.kind, ERR_DENIED);
	/* The flag says http. */
	config.plain_http = true;
	CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
}

/*
 * How servers say in HTTP that they want TLS: Go, nginx, Apache. The probe then tries TLS, and
 * finds none here.
 */
void test_tls__complaints_of_tls_servers(void)
{
	static const struct {
		const char *answer;
		bool is_complaint;
	} rows[] = {
		{ "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
		  true },
		{ "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<h1>The plain HTTP request was sent to HTTPS port</h1>",
		  true },
		{ "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nReason: You're speaking plain HTTP to an SSL-enabled server port.",
		  true },
		{ "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nsomething else", false },
		{ "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { .text = rows[i].answer, .end = SERVER_CLOSE };
		const struct fetch_config config = verifying();
		_fetching_ struct fetching f;

		fetching_init(&f, &config);
		f.server = server_start(&step, 1);
		CU_ASSERT_TRUE(fetching_get(&f, "/x") < 0);
		CU_ASSERT_EQUAL(strstr(f.err.msg, "speaks https") != NULL, rows[i].is_complaint);
		CU_ASSERT_EQUAL(fetching_saw(f.server, 1, "GET /x "), !rows[i].is_complaint);
	}
}

void test_tls__hosts_that_speak_none(void)
{
	static const struct server_step plain[] = { { .text = OK } };
	struct fetch_config config = verifying();
	_fetching_ struct fetching f;

	fetching_init(&f, &config);
	f.server = server_start(plain, 1);
	config.https_only = true;
	fetch_free(f.fetch);
	CU_ASSERT_EQUAL_FATAL(fetch_new(&config, &f.fetch, NULL), 0);
	CU_ASSERT_TRUE(fetching_get(&f, "/x") < 0);
	CU_ASSERT_TRUE(row_err("not TLS", &f.err, ERR_DAMAGED, "not TLS"));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.hint, "--plain-http"));
	/* --tls-verify=false: https first, then http. */
	config.https_only = true;
	config.tls_verify = false;
	fetch_free(f.fetch);
	CU_ASSERT_EQUAL_FATAL(fetch_new(&config, &f.fetch, NULL), 0);
	CU_ASSERT_EQUAL(fetching_get(&f, "/x"), 0);
}

void test_tls__the_other_flavour_of_libcurl(void)
{
	struct fetch_config config = verifying();
	_world_ struct world w;
	_free_ char *dir = NULL;

	world_init(&w);
	if (!w.can)
		return;
	_tls_server_ struct tls_server s = tls_server_start(
		w.dir, "server.pem", "-CAfile ca.crt -Verify 1 -verify_return_error");

	dir = home_path(&w.f.home, "certs");
	install(&w, "ca.crt", "certs/ca.crt");
	install(&w, "client.cert", "certs/c.cert");
	install(&w, "client.key", "certs/c.key");
	setenv("IMG_CURL_GNUTLS", "1", 1);
	config.cert_dir = dir;
	const int rc = ask(&w, s.host, &config);

	if (rc < 0 && w.f.err.kind == ERR_UNSUPPORTED) {
		test_skip("no libcurl-gnutls.so.4");
	} else {
		CU_ASSERT_TRUE(row_int(w.f.err.msg, "rc", 0, rc));
		config.cert_dir = NULL;
		config.https_only = true;
		CU_ASSERT_TRUE(ask(&w, s.host, &config) < 0);
		CU_ASSERT_EQUAL(w.f.err.kind, ERR_DENIED);
	}
	unsetenv("IMG_CURL_GNUTLS");
}
