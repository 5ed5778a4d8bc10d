/* SPDX-License-Identifier: Apache-2.0 */
/* References as values: their forms as text, what they mean for connecting, and errors in words. */
#include "manifest/reference.h"

#include "base/mem.h"
#include "base/text.h"

#define HUB	     "docker.io"
#define HUB_API	     "registry-1.docker.io"
#define HUB_AUTH_KEY "https://index.docker.io/v1/"
#define OFFICIAL     "library/"
#define LATEST	     "latest"
#define PORT_MAX     65535

static const char *const reasons[] = {
	[REFERENCE_OK] = "fine",
	[REFERENCE_NAME_EMPTY] = "empty",
	[REFERENCE_INVALID_FORMAT] = "not a valid image reference",
	[REFERENCE_NAME_UPPERCASE] = "the repository name must be lower case",
	[REFERENCE_NAME_TOO_LONG] = "the repository name is longer than 255 characters",
	[REFERENCE_DIGEST_INVALID_FORMAT] = "the digest is not lower-case hex",
	[REFERENCE_DIGEST_INVALID_LENGTH] = "the digest has the wrong length",
	[REFERENCE_DIGEST_UNSUPPORTED] = "only sha256 and sha512 digests are supported",
	[REFERENCE_IDENTIFIER] = "64 hex digits are an image ID, not a name",
	[REFERENCE_MUST_BE_LOWERCASE] = "the repository name must be lower case",
};

void reference_fini(struct reference *ref)
{
	if (!ref)
		return;
	free(ref->domain);
	free(ref->path);
	free(ref->tag);
	*ref = (struct reference){ 0 };
}

void reference_copy(const struct reference *ref, struct reference *ret)
{
	*ret = (struct reference){
		.domain = ref->domain ? xstrdup(ref->domain) : NULL,
		.path = ref->path ? xstrdup(ref->path) : NULL,
		.tag = ref->tag ? xstrdup(ref->tag) : NULL,
		.digest = ref->digest,
	};
}

static int refuse(const char *text, enum reference_fault fault, struct err *err)
{
	const int rc =
		err_set(err, ERR_USAGE, "reference '%s': %s", TEXT_ESCAPED(text), reasons[fault]);

	if (strstr(text, "://"))
		err_hint(err, "leave out everything up to and including '://'");
	else if (reference_looks_like_host_port(text))
		err_hint(err, "name a repository after the host: %s/REPO", TEXT_ESCAPED(text));
	else if (fault == REFERENCE_INVALID_FORMAT || fault == REFERENCE_NAME_EMPTY)
		err_hint(err, "the form is [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST]");
	return rc;
}

static int parse(const char *text, enum reference_mode mode, struct reference *ret, struct err *err)
{
	const enum reference_fault fault = reference_scan(text, mode, ret);

	return fault ? refuse(text, fault, err) : 0;
}

int reference_parse(const char *text, struct reference *ret, struct err *err)
{
	return parse(text, REFERENCE_NORMALIZED, ret, err);
}

int reference_parse_any(const char *text, struct reference *ret, struct err *err)
{
	return parse(text, REFERENCE_ANY, ret, err);
}

const char *reference_tag_or_latest(const struct reference *ref)
{
	if (ref->tag)
		return ref->tag;
	return ref->digest.alg == DIGEST_NONE ? LATEST : NULL;
}

void reference_add_latest(struct reference *ref)
{
	if (!ref->tag && ref->digest.alg == DIGEST_NONE)
		ref->tag = xstrdup(LATEST);
}

/* NAME[:TAG][@DIGEST] */
static char *with_tag_and_digest(const struct reference *ref, const char *name)
{
	const bool has_digest = ref->digest.alg != DIGEST_NONE;

	return xasprintf("%s%s%s%s%s", name, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
			 has_digest && *name ? "@" : "",
			 has_digest ? DIGEST_TEXT(&ref->digest) : "");
}

char *reference_repository(const struct reference *ref)
{
	return xasprintf("%s%s%s", ref->domain ? ref->domain : "", ref->domain ? "/" : "",
			 ref->path ? ref->path : "");
}

char *reference_canonical(const struct reference *ref)
{
	char *_free_ name = reference_repository(ref);

	return with_tag_and_digest(ref, name);
}

static bool is_hub(const struct reference *ref)
{
	return ref->domain && !strcmp(ref->domain, HUB);
}

char *reference_familiar(const struct reference *ref)
{
	const char *path = ref->path;

	if (!is_hub(ref))
		return reference_canonical(ref);
	if (text_starts_with(path, OFFICIAL) && !strchr(path + strlen(OFFICIAL), '/'))
		path += strlen(OFFICIAL);
	return with_tag_and_digest(ref, path);
}

const char *reference_api_host(const struct reference *ref)
{
	return is_hub(ref) ? HUB_API : ref->domain;
}

const char *reference_auth_key(const struct reference *ref)
{
	return is_hub(ref) ? HUB_AUTH_KEY : ref->domain;
}

int reference_port(const struct reference *ref, unsigned *ret_port, struct err *err)
{
	const char *host_end = ref->domain ? strchr(ref->domain, ']') : NULL;
	const char *colon = ref->domain ? strchr(host_end ? host_end : ref->domain, ':') : NULL;
	uint64_t port = 0;

	if (colon && (text_parse_u64(colon + 1, strlen(colon + 1), 10, &port) < 0 || !port ||
		      port > PORT_MAX))
		return err_set(err, ERR_USAGE, "registry '%s': the port must be 1 to %d",
			       TEXT_ESCAPED(ref->domain), PORT_MAX);
	*ret_port = (unsigned)port;
	return 0;
}
