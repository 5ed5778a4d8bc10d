/* SPDX-License-Identifier: Apache-2.0 */
/* What `img inspect` knows of an image: as one JSON object, and as text for people. */
#ifndef IMG_CLI_INSPECT_H
#define IMG_CLI_INSPECT_H

#include "cli/image.h"

#include <stdio.h>

struct json;

/*
 * The object of --json and --format. First skopeo's keys in skopeo's order (RepoTags stays empty:
 * listing tags is `img tags`), then docker's (Id, RepoDigests, Author, Config, RootFS, Size,
 * History) and ours (MediaType, Manifest, ConfigDescriptor, Platforms, ArtifactType, Annotations).
 * Free with json_free.
 */
int inspect_json(const struct image *image, const struct image_content *content, struct json **ret,
		 struct err *err);
/* The summary. */
void inspect_text(const struct image *image, const struct image_content *content, FILE *out);

#endif
