/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocking sockets and a thread for each; a pipe that becomes readable at the end wakes those that
 * wait.
 */
#include "tests/support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define REQUESTS_MAX	256
#define REQUEST_BYTES	((size_t)64 << 20)
#define REQUEST_FIRST	((size_t)64 << 10)

struct connection {
	struct server *server;
	int fd;
	pthread_t thread;
};

struct server {
	const struct server_step *steps;
	size_t step_count;
	int listener, stop[2];
	unsigned port;
	char host[32];
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	struct connection connections[CONNECTIONS_MAX];
	size_t connection_count;
	char *requests[REQUESTS_MAX];
	size_t request_count, step_at;
};

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* Waits for the socket or the end of the server. Returns 0 at the end. */
static int wait_for(const struct server *s, int fd, short events)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = s->stop[0], .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		must(errno == EINTR, "poll");
	return !fds[1].revents;
}

/* Returns 0 when the server ends meanwhile. */
static int rest(const struct server *s, int ms)
{
	struct pollfd stop = { .fd = s->stop[0], .events = POLLIN };

	return ms <= 0 || poll(&stop, 1, ms) <= 0;
}

/* All of it; 0 when the client has gone or the server ends. */
static int send_all(const struct connection *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n;

		if (!wait_for(c->server, c->fd, POLLOUT))
			return 0;
		n = send(c->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return 0;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 1;
}

static int send_fill(const struct connection *c, const struct server_step *step)
{
	const uint64_t end = step->fill_from + step->fill_bytes;
	static const size_t chunk = 65536;
	uint8_t *block = malloc(chunk);
	int good = 1;

	must(block != NULL, "malloc");
	for (uint64_t at = step->fill_from; at < end && good;) {
		const size_t n = end - at < chunk ? (size_t)(end - at) : chunk;

		for (size_t i = 0; i < n; i++)
			block[i] = server_byte(at + i);
		good = send_all(c, block, n);
		at += n;
	}
	free(block);
	return good;
}

/* Bytes of the whole request, as far as the head tells; 0 while the head isn't complete. */
static size_t request_bytes(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length: ");
	size_t body = 0;

	if (!end)
		return 0;
	if (length && length < end)
		for (const char *p = length + 18; *p >= '0' && *p <= '9'; p++)
			body = body * 10 + (size_t)(*p - '0');
	return (size_t)(end - text) + 4 + body;
}

static char *grown(char *text, size_t *room)
{
	*room *= 2;
	text = realloc(text, *room);
	must(text != NULL, "realloc");
	return text;
}

/* Reads one request; NULL at the end of the connection. */
static char *read_request(const struct connection *c)
{
	size_t len = 0, room = REQUEST_FIRST;
	char *text = calloc(1, room);

	must(text != NULL, "calloc");
	while (wait_for(c->server, c->fd, POLLIN) && len < REQUEST_BYTES - 1) {
		if (len + 1 == room)
			text = grown(text, &room);
		const ssize_t n = recv(c->fd, text + len, room - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		const size_t want = request_bytes(text);

		/* What begins like TLS is as much of a request as it will get. */
		if ((want && len >= want) || text[0] == 0x16)
			return text;
	}
	free(text);
	return NULL;
}

/* Keeps the request (owned) and gives the step for it. */
static const struct server_step *take_step(struct server *s, char *request)
{
	const struct server_step *step;

	pthread_mutex_lock(&s->lock);
	step = &s->steps[s->step_at];
	if (s->step_at + 1 < s->step_count)
		s->step_at++;
	if (request && s->request_count < REQUESTS_MAX)
		s->requests[s->request_count++] = request;
	else
		free(request);
	pthread_mutex_unlock(&s->lock);
	return step;
}

static int is_next_at_once(struct server *s)
{
	int result;

	pthread_mutex_lock(&s->lock);
	result = s->steps[s->step_at].at_once;
	pthread_mutex_unlock(&s->lock);
	return result;
}

/* Plays a step; 0 when the connection is over. */
static int play(const struct connection *c, const struct server_step *step)
{
	const struct linger reset = { .l_onoff = 1 };

	if (step->text && !send_all(c, step->text, strlen(step->text)))
		return 0;
	if (!send_fill(c, step))
		return 0;
	while (step->flood)
		if (!send_all(c, step->flood, strlen(step->flood)) ||
		    !rest(c->server, step->pause_ms))
			return 0;
	if (step->end == SERVER_STALL)
		(void)wait_for(c->server, -1, 0);
	if (step->end == SERVER_RESET)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return step->end == SERVER_KEEP;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	int more = 1;

	while (more) {
		char *request = is_next_at_once(c->server) ? NULL : read_request(c);

		if (!request && !is_next_at_once(c->server))
			break;
		more = play(c, take_step(c->server, request));
	}
	(void)close(c->fd);
	return NULL;
}

static void *take_connections(void *arg)
{
	struct server *s = arg;

	while (wait_for(s, s->listener, POLLIN)) {
		const int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		struct connection *c;

		if (fd < 0)
			continue;
		pthread_mutex_lock(&s->lock);
		must(s->connection_count < CONNECTIONS_MAX, "too many connections");
		c = &s->connections[s->connection_count++];
		*c = (struct connection){ .server = s, .fd = fd };
		must(pthread_create(&c->thread, NULL, serve, c) == 0, "pthread_create");
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

struct server *server_start(const struct server_step *steps, size_t count)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	struct server *s = calloc(1, sizeof(*s));

	must(s != NULL, "calloc");
	s->steps = steps;
	s->step_count = count;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(s->listener >= 0, "socket");
	must(bind(s->listener, (struct sockaddr *)&addr, len) == 0, "bind");
	must(listen(s->listener, 16) == 0, "listen");
	must(getsockname(s->listener, (struct sockaddr *)&addr, &len) == 0, "getsockname");
	s->port = ntohs(addr.sin_port);
	snprintf(s->host, sizeof(s->host), "127.0.0.1:%u", s->port);
	must(pipe2(s->stop, O_CLOEXEC) == 0, "pipe2");
	pthread_mutex_init(&s->lock, NULL);
	must(pthread_create(&s->thread, NULL, take_connections, s) == 0, "pthread_create");
	return s;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	must(write(s->stop[1], "x", 1) == 1, "write");
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->connection_count; i++)
		pthread_join(s->connections[i].thread, NULL);
	for (size_t i = 0; i < s->request_count; i++)
		free(s->requests[i]);
	close(s->listener);
	close(s->stop[0]);
	close(s->stop[1]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

unsigned server_port(const struct server *s)
{
	return s->port;
}

const char *server_host(const struct server *s)
{
	return s->host;
}

char *server_url(const struct server *s, const char *path)
{
	char *url = NULL;

	must(asprintf(&url, "http://%s%s", s->host, path) >= 0, "asprintf");
	return url;
}

size_t server_request_count(struct server *s)
{
	size_t count;

	pthread_mutex_lock(&s->lock);
	count = s->request_count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

size_t server_connection_count(struct server *s)
{
	size_t count;

	pthread_mutex_lock(&s->lock);
	count = s->connection_count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

const char *server_request(struct server *s, size_t n)
{
	const char *text;

	pthread_mutex_lock(&s->lock);
	text = n < s->request_count ? s->requests[n] : "";
	pthread_mutex_unlock(&s->lock);
	return text;
}
