/* SPDX-License-Identifier: Apache-2.0 */
/* Runs openssl under a shell that waits for the end of its input and then ends openssl. */
#include "tests/unit/net/tls_server.h"

#include "base/mem.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

static const char make[] =
	"set -e; cd \"$0\"; mk='openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';"
	"$mk -x509 -keyout ca.key -out ca.crt -subj /CN=img-test-ca -days 2;"
	"sign() { $mk -keyout $1.key -out $1.csr -subj /CN=$1; echo \"$2\" > $1.ext;"
	" openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
	" -extfile $1.ext -out $1.cert; };"
	"sign server subjectAltName=DNS:localhost,IP:127.0.0.1;"
	"sign other subjectAltName=DNS:other.example;"
	"sign client extendedKeyUsage=clientAuth;"
	"cat server.cert server.key > server.pem; cat other.cert other.key > other.pem";

static const char serve[] =
	"cd \"$0\"; openssl s_server -accept 127.0.0.1:0 -cert $1 -key $1 -HTTP $2 2>/dev/null"
	" </dev/null & read -r line; kill $!; wait";

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

extern char **environ;

/* sh -c SCRIPT with words after it; -1 for a descriptor: /dev/null. */
static pid_t shell(const char *script, const char *const words[3], int in, int out)
{
	char *argv[] = {
		(char *)"sh",	  (char *)"-c", (char *)script, (char *)words[0], (char *)words[1],
		(char *)words[2], NULL
	};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++) {
		const int from = fd == 0 ? in : fd == 1 ? out : -1;

		if (from >= 0)
			posix_spawn_file_actions_adddup2(&actions, from, fd);
		else
			posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	}
	must(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ) == 0, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

bool tls_make_certificates(const char *dir)
{
	const char *const words[3] = { dir, NULL, NULL };

	return wait_for(shell(make, words, -1, -1)) == 0;
}

/* The port in the line "ACCEPT 127.0.0.1:PORT". */
static void read_host(int fd, struct tls_server *s)
{
	char text[1024] = "";
	const char *host;
	size_t len = 0;

	do {
		const ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		must(n > 0, "openssl s_server");
		len += (size_t)n;
		text[len] = '\0';
		host = strstr(text, "ACCEPT 127.0.0.1:");
	} while (!host || !strchr(host, '\n'));
	host += strlen("ACCEPT ");
	snprintf(s->host, sizeof(s->host), "%.*s", (int)strcspn(host, "\r\n"), host);
}

struct tls_server tls_server_start(const char *dir, const char *pem, const char *options)
{
	const char *const words[3] = { dir, pem, options };
	struct tls_server s = { 0 };
	int in[2], out[2];

	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe2");
	s.pid = shell(serve, words, in[0], out[1]);
	s.keep = in[1];
	close(in[0]);
	close(out[1]);
	read_host(out[0], &s);
	close(out[0]);
	return s;
}

void tls_server_stop(struct tls_server *s)
{
	if (!s->pid)
		return;
	close(s->keep);
	(void)wait_for(s->pid);
	s->pid = 0;
}
