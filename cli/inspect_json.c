/* SPDX-License-Identifier: Apache-2.0 */
/* The object of `img inspect --json`. Keys are those that scripts for skopeo and docker ask for. */
#include "cli/inspect.h"

#include "base/json.h"
#include "base/mem.h"
#include "manifest/choose.h"

static struct json *digests_of(const struct descriptors *list)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_add(array, json_new_str(list->items[i].digest_text));
	return array;
}

static struct json *annotations_or_null(const struct annotations *a)
{
	return a->count ? annotations_json(a) : json_new_null();
}

/* skopeo's LayersData, and the DiffID beside it. */
static struct json *layers_data(const struct image_content *c)
{
	const struct descriptors *list = &c->doc.manifest.layers;
	const bool has_diffids = c->is_image && c->image.diff_id_count == list->count;
	struct json *array = json_new_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct descriptor *d = &list->items[i];
		struct json *o = json_new_object();

		json_set_str(o, "MIMEType", d->media_type);
		json_set_str(o, "Digest", d->digest_text);
		json_set_int(o, "Size", (int64_t)d->size);
		json_set(o, "Annotations", annotations_or_null(&d->annotations));
		if (has_diffids)
			json_set_str(o, "DiffID", DIGEST_TEXT(&c->image.diff_ids[i]));
		json_add(array, o);
	}
	return array;
}

static struct json *strings_or_null(const struct json_strs *s)
{
	if (!s->count)
		return json_new_null();
	struct json *array = json_new_array();

	for (size_t i = 0; i < s->count; i++)
		json_add(array, json_new_str(s->items[i]));
	return array;
}

/* The DockerVersion of old images is the one key that our config does not keep. */
static const char *raw_text(const struct json *config, const char *key)
{
	return json_str(json_get(config, key), "");
}

static void set_skopeo(struct json *o, const struct image *image, const struct image_content *c,
		       const struct json *config)
{
	_free_ char *name = reference_repository(&image->ref);
	const struct image_run *run = &c->image.run;

	json_set_str(o, "Name", name);
	if (image->ref.tag)
		json_set_str(o, "Tag", image->ref.tag);
	json_set_str(o, "Digest", c->top->descriptor.digest_text);
	json_set(o, "RepoTags", json_new_array());
	json_set_str(o, "Created", c->image.created);
	json_set_str(o, "DockerVersion", raw_text(config, "docker_version"));
	json_set(o, "Labels", annotations_or_null(&run->labels));
	json_set_str(o, "Architecture", c->image.platform.arch ? c->image.platform.arch : "");
	json_set_str(o, "Os", c->image.platform.os ? c->image.platform.os : "");
	json_set(o, "Layers", digests_of(&c->doc.manifest.layers));
	json_set(o, "LayersData", layers_data(c));
	json_set(o, "Env", strings_or_null(&run->env));
}

/*
 * docker's keys are always there, null when the image says nothing, then whatever else the config
 * has.
 */
static struct json *docker_config(const struct json *config)
{
	static const char *const keys[] = { "Hostname",	  "Domainname", "User",	   "ExposedPorts",
					    "Env",	  "Cmd",	"Volumes", "WorkingDir",
					    "Entrypoint", "OnBuild",	"Labels",  "StopSignal",
					    "Shell",	  "Healthcheck" };
	static const char *const texts[] = { "Hostname", "Domainname", "User", "WorkingDir",
					     "StopSignal" };
	const struct json *run = json_get(config, "config");
	struct json *o = json_new_object();
	struct json_iter it;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_set(o, keys[i], json_new_null());
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_set_str(o, texts[i], "");
	for (json_iter_init(&it, run); json_iter_next(&it);)
		if (json_type(it.value) != JSON_NULL_)
			json_set(o, it.key, json_dup(it.value));
	return o;
}

static struct json *root_fs(const struct image_content *c)
{
	struct json *o = json_new_object(), *layers = json_new_array();

	for (size_t i = 0; i < c->image.diff_id_count; i++)
		json_add(layers, json_new_str(DIGEST_TEXT(&c->image.diff_ids[i])));
	json_set_str(o, "Type", "layers");
	json_set(o, "Layers", layers);
	return o;
}

static uint64_t total_size(const struct image_content *c)
{
	const struct descriptors *layers = &c->doc.manifest.layers;
	uint64_t total = c->doc.manifest.config.size;

	for (size_t i = 0; i < layers->count; i++)
		if (__builtin_add_overflow(total, layers->items[i].size, &total))
			return INT64_MAX;
	return total > INT64_MAX ? INT64_MAX : total;
}

static void set_docker(struct json *o, const struct image *image, const struct image_content *c,
		       const struct json *config)
{
	_free_ char *name = reference_repository(&image->ref);
	_free_ char *digest = xasprintf("%s@%s", name, c->top->descriptor.digest_text);
	struct json *digests = json_new_array();
	const struct json *history = json_get(config, "history");

	json_add(digests, json_new_str(digest));
	json_set_str(o, "Id", c->doc.manifest.config.digest_text);
	json_set(o, "RepoDigests", digests);
	json_set_str(o, "Author", c->image.author ? c->image.author : "");
	json_set_str(o, "Variant", c->image.platform.variant ? c->image.platform.variant : "");
	json_set(o, "Config", docker_config(config));
	json_set(o, "RootFS", root_fs(c));
	json_set_int(o, "Size", (int64_t)total_size(c));
	json_set(o, "History", history ? json_dup(history) : json_new_array());
}

/* The images of an index, and what lies beside them. */
static struct json *platforms(const struct document *index)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < index->index.manifests.count; i++) {
		const struct descriptor *d = &index->index.manifests.items[i];
		_free_ char *text = d->platform ? platform_text(d->platform) : NULL;
		struct json *o = json_new_object();

		json_set_str(o, "Platform", text);
		json_set_str(o, "Digest", d->digest_text);
		json_set_str(o, "MediaType", d->media_type);
		json_set_int(o, "Size", (int64_t)d->size);
		json_set_bool(o, "Attestation", descriptor_is_attestation(d));
		json_add(array, o);
	}
	return array;
}

static void set_ours(struct json *o, const struct image *image, const struct image_content *c)
{
	_free_ char *reference = reference_canonical(&image->ref);
	const bool has_index = c->top != c->manifest;

	json_set_str(o, "Reference", reference);
	json_set_str(o, "From", image_from(image));
	json_set_str(o, "MediaType", c->top->descriptor.media_type);
	json_set(o, "Manifest", descriptor_json(&c->manifest->descriptor));
	json_set(o, "ConfigDescriptor", descriptor_json(&c->doc.manifest.config));
	json_set_str(o, "ArtifactType", c->doc.artifact_type);
	json_set(o, "Annotations", annotations_or_null(&c->doc.annotations));
	json_set(o, "Platforms", has_index ? platforms(&c->top_doc) : json_new_array());
}

int inspect_json(const struct image *image, const struct image_content *content, struct json **ret,
		 struct err *err)
{
	_json_ struct json *config = NULL;
	struct json *o;

	if (content->is_image)
		TRY(json_parse(buf_str(&content->config->bytes), content->config->bytes.len,
			       &config, err));
	o = json_new_object();
	set_skopeo(o, image, content, config);
	set_docker(o, image, content, config);
	set_ours(o, image, content);
	*ret = o;
	return 0;
}
