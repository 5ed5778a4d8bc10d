/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client and its lanes. A lane is a libcurl handle with connections of its own, which need no
 * lock; lanes wait in a pool, latest used first, so that a request finds the connection that an
 * earlier one, of any thread, has left.
 */
#include "net/http_priv.h"

#include "base/version.h"

uint64_t http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct http_client *http_client_new(const struct http_config *config)
{
	struct http_client *client = NEW(struct http_client);
	struct http_config *c = &client->config;

	if (config)
		*c = *config;
	c->user_agent = xstrdup(c->user_agent ? c->user_agent : "img/" IMG_VERSION);
	if (!c->header_bytes_max)
		c->header_bytes_max = (uint64_t)256 << 10;
	if (!c->connect_timeout_ms)
		c->connect_timeout_ms = 15000;
	if (!c->idle_timeout_ms)
		c->idle_timeout_ms = 60000;
	pthread_mutex_init(&client->lock, NULL);
	return client;
}

static void lane_free(const struct curl_dl *curl, struct lane *lane)
{
	if (lane->easy)
		curl->easy_cleanup(lane->easy);
	if (lane->multi)
		(void)curl->multi_cleanup(lane->multi);
	for (size_t i = 0; i < LANE_ORIGINS; i++)
		free(lane->origins[i]);
	free(lane->body);
	free(lane);
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	while (client->idle) {
		struct lane *lane = client->idle;

		client->idle = lane->next;
		lane_free(&client->curl, lane);
	}
	http_roots_free(client->roots);
	if (client->is_loaded)
		curl_dl_unload(&client->curl);
	pthread_mutex_destroy(&client->lock);
	free((char *)client->config.user_agent);
	free(client);
}

/* NULL when libcurl has no memory for one. */
static struct lane *lane_new(const struct curl_dl *curl)
{
	struct lane *lane = NEW(struct lane);

	lane->easy = curl->easy_init();
	lane->multi = curl->multi_init();
	if (!lane->easy || !lane->multi) {
		lane_free(curl, lane);
		return NULL;
	}
	(void)curl->multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)LANE_ORIGINS);
	return lane;
}

static bool lane_knows(const struct lane *lane, const char *origin)
{
	for (size_t i = 0; i < LANE_ORIGINS; i++)
		if (lane->origins[i] && strcmp(lane->origins[i], origin) == 0)
			return true;
	return false;
}

/* Puts the origin first in the lane's memory. */
static void lane_remember(struct lane *lane, const char *origin)
{
	size_t at = 0;

	while (at < LANE_ORIGINS - 1 && lane->origins[at] && strcmp(lane->origins[at], origin) != 0)
		at++;
	char *entry = lane->origins[at];

	if (!entry || strcmp(entry, origin) != 0) {
		free(entry);
		entry = xstrdup(origin);
	}
	memmove(lane->origins + 1, lane->origins, at * sizeof(lane->origins[0]));
	lane->origins[0] = entry;
}

/* Unlinks the best idle lane; NULL when none is idle. Lock held. */
static struct lane *take_idle(struct http_client *client, const char *origin)
{
	struct lane **best = &client->idle;

	for (struct lane **at = &client->idle; *at; at = &(*at)->next)
		if (lane_knows(*at, origin)) {
			best = at;
			break;
		}
	struct lane *lane = *best;

	if (lane) {
		*best = lane->next;
		lane->next = NULL;
		client->idle_count--;
	}
	return lane;
}

int lane_acquire(struct http_client *client, const char *origin, struct lane **ret, struct err *err)
{
	struct lane *lane = NULL;
	int rc = 0;

	pthread_mutex_lock(&client->lock);
	if (!client->is_loaded) {
		rc = curl_dl_load(&client->curl, err);
		client->is_loaded = rc == 0;
	}
	if (rc == 0)
		lane = take_idle(client, origin);
	pthread_mutex_unlock(&client->lock);
	if (rc < 0)
		return rc;
	if (!lane)
		lane = lane_new(&client->curl);
	if (!lane)
		return err_set(err, ERR_FAILED, "libcurl gives no handle");
	lane_remember(lane, origin);
	*ret = lane;
	return 0;
}

void lane_release(struct http_client *client, struct lane *lane)
{
	struct lane *surplus = NULL;

	pthread_mutex_lock(&client->lock);
	lane->next = client->idle;
	client->idle = lane;
	if (++client->idle_count > LANES_IDLE_MAX) {
		struct lane **last = &client->idle;

		while ((*last)->next)
			last = &(*last)->next;
		surplus = TAKE_PTR(*last);
		client->idle_count--;
	}
	pthread_mutex_unlock(&client->lock);
	if (surplus)
		lane_free(&client->curl, surplus);
}
