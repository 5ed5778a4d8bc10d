/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member "config" of an image config: defaults for a process (image-spec config.md; Shell,
 * Healthcheck, OnBuild and ArgsEscaped are docker's). Everything is kept as it was written.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/config.h"

struct values {
	const struct json *exposed_ports;
	const struct json *volumes;
	const struct json *labels;
	const struct json *healthcheck;
};

static const struct json_field run_fields[] = {
	{ "User", JSON_FIELD_STR, offsetof(struct image_run, user), false },
	{ "WorkingDir", JSON_FIELD_STR, offsetof(struct image_run, working_dir), false },
	{ "StopSignal", JSON_FIELD_STR, offsetof(struct image_run, stop_signal), false },
	{ "Env", JSON_FIELD_STRS, offsetof(struct image_run, env), false },
	{ "Entrypoint", JSON_FIELD_STRS, offsetof(struct image_run, entrypoint), false },
	{ "Cmd", JSON_FIELD_STRS, offsetof(struct image_run, cmd), false },
	{ "Shell", JSON_FIELD_STRS, offsetof(struct image_run, shell), false },
	{ "OnBuild", JSON_FIELD_STRS, offsetof(struct image_run, on_build), false },
	{ "ArgsEscaped", JSON_FIELD_BOOL, offsetof(struct image_run, args_escaped), false },
};
static const struct json_table run_table = { run_fields, ARRAY_SIZE(run_fields) };

static const struct json_field value_fields[] = {
	{ "ExposedPorts", JSON_FIELD_VALUE, offsetof(struct values, exposed_ports), false },
	{ "Volumes", JSON_FIELD_VALUE, offsetof(struct values, volumes), false },
	{ "Labels", JSON_FIELD_VALUE, offsetof(struct values, labels), false },
	{ "Healthcheck", JSON_FIELD_VALUE, offsetof(struct values, healthcheck), false },
};
static const struct json_table value_table = { value_fields, ARRAY_SIZE(value_fields) };

#define HEALTH(member) offsetof(struct image_healthcheck, member)
static const struct json_field health_fields[] = {
	{ "Test", JSON_FIELD_STRS, HEALTH(test), false },
	{ "Interval", JSON_FIELD_I64, HEALTH(interval_ns), false },
	{ "Timeout", JSON_FIELD_I64, HEALTH(timeout_ns), false },
	{ "StartPeriod", JSON_FIELD_I64, HEALTH(start_period_ns), false },
	{ "StartInterval", JSON_FIELD_I64, HEALTH(start_interval_ns), false },
	{ "Retries", JSON_FIELD_I64, HEALTH(retries), false },
};
static const struct json_table health_table = { health_fields, ARRAY_SIZE(health_fields) };

void image_run_fini(struct image_run *r)
{
	if (!r)
		return;
	json_decode_free(&run_table, r);
	json_strs_fini(&r->exposed_ports);
	json_strs_fini(&r->volumes);
	annotations_fini(&r->labels);
	if (r->healthcheck)
		json_decode_free(&health_table, r->healthcheck);
	free(r->healthcheck);
	*r = (struct image_run){ 0 };
}

/* A set as Go writes it: an object whose values say nothing. */
static int parse_set(const struct json *v, const char *path, struct json_strs *ret, struct err *err)
{
	struct json_iter it;

	if (json_type(v) == JSON_NULL_)
		return 0;
	if (json_type(v) != JSON_OBJECT_)
		return err_set(err, ERR_DAMAGED, "%s: expected object, found %s", path,
			       json_type_name(json_type(v)));
	ret->items = xcalloc(json_count(v), sizeof(ret->items[0]));
	for (json_iter_init(&it, v); json_iter_next(&it);)
		ret->items[ret->count++] = xstrdup(it.key);
	return 0;
}

static int parse_healthcheck(const struct json *v, struct image_run *r, struct err *err)
{
	if (json_type(v) == JSON_NULL_)
		return 0;
	r->healthcheck = NEW(struct image_healthcheck);
	return json_decode(v, &health_table, "config.Healthcheck", r->healthcheck, err);
}

static int parse(const struct json *object, struct image_run *r, struct err *err)
{
	struct values v = { 0 };

	TRY(json_decode(object, &run_table, "config", r, err));
	TRY(json_decode(object, &value_table, "config", &v, err));
	TRY(parse_set(v.exposed_ports, "config.ExposedPorts", &r->exposed_ports, err));
	TRY(parse_set(v.volumes, "config.Volumes", &r->volumes, err));
	TRY(annotations_parse(v.labels, "config.Labels", &r->labels, err));
	return parse_healthcheck(v.healthcheck, r, err);
}

int image_run_parse(const struct json *object, struct image_run *ret, struct err *err)
{
	struct image_run _cleanup_(image_run_fini) r = { 0 };

	if (json_type(object) != JSON_NULL_)
		TRY(parse(object, &r, err));
	*ret = r;
	r = (struct image_run){ 0 };
	return 0;
}
