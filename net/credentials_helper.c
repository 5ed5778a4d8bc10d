/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential helper protocol of docker (docker-credential-helpers): a program docker-
 * credential-NAME with one argument, a key or JSON on its standard input, JSON or a message on its
 * standard output. Trusted with the user's secrets for that key, but bounded in time and size.
 */
#include "base/mem.h"
#include "base/text.h"
#include "net/credentials_files.h"
#include "net/secret.h"
#include "sys/process.h"

#include <ctype.h>

#define HELPER_TIMEOUT_MS 30000
#define HELPER_NAME_MAX	  64
/* How docker-credential-helpers says that it holds nothing for the key. */
#define HELPER_NOT_FOUND "credentials not found in native keychain"

/* A name becomes part of a program's name, never of a path. */
static bool name_is_ok(const char *name)
{
	const size_t len = strnlen(name, HELPER_NAME_MAX + 1);

	if (!len || len > HELPER_NAME_MAX)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-._", *name))
			return false;
	return true;
}

static int failed(const struct credentials_helper *h, struct err *err, const char *why)
{
	return err_set(err, ERR_AUTH, "credential helper docker-credential-%s (named in %s): %s",
		       h->name, TEXT_ESCAPED(h->file), why);
}

/* Nothing there, or the helper's own words as an error. */
static int judge(const struct credentials_helper *h, const struct process_result *result,
		 const struct buf *out, struct err *err)
{
	char words[256];
	size_t len = out->len;

	if (!result->exit_code)
		return 1;
	while (len && isspace((unsigned char)out->data[len - 1]))
		len--;
	if (strstr(buf_str(out), HELPER_NOT_FOUND))
		return 0;
	if (result->term_signal)
		return failed(h, err, "it was killed");
	if (!len)
		return failed(h, err, "it failed and gave no reason");
	return failed(h, err, text_escape(words, sizeof(words), buf_str(out), len));
}

struct call {
	const char *action;
	const void *input;
	size_t input_len;
};

/* 1 when it succeeded, 0 when it knows nothing of the key. */
static int run(struct op *op, const struct credentials_helper *h, const struct call *call,
	       struct buf *out, struct err *err)
{
	if (!name_is_ok(h->name))
		return err_set(err, ERR_DAMAGED, "%s: credential helper \"%s\": not a valid name",
			       TEXT_ESCAPED(h->file), TEXT_ESCAPED(h->name));
	char *_free_ program = xasprintf("docker-credential-%s", h->name);
	const char *argv[] = { program, call->action, NULL };
	const struct process_call process = { argv, call->input, call->input_len,
					      HELPER_TIMEOUT_MS };
	struct process_result result;
	struct err why = { 0 };

	if (process_run(op, &process, out, &result, &why) >= 0)
		return judge(h, &result, out, err);
	if (why.kind == ERR_CANCELLED)
		return err_set(err, ERR_CANCELLED, "%s", why.msg);
	if (why.kind == ERR_NOT_FOUND) {
		(void)failed(h, err, "no such program");
		err_hint(err, "install it, or remove it from credsStore and credHelpers in %s",
			 TEXT_ESCAPED(h->file));
		return -err_class(ERR_AUTH)->errnum;
	}
	return failed(h, err, why.kind == ERR_TIMEOUT ? "no answer in 30 seconds" : why.msg);
}

/* {"ServerURL":..., "Username":..., "Secret":...} */
static int read_answer(const struct credentials_helper *h, const struct buf *out,
		       struct credential *ret, struct err *err)
{
	struct json *_secret_json_ root = NULL;

	if (json_parse(buf_str(out), out->len, &root, NULL) < 0)
		return failed(h, err, "its answer is not JSON");
	const char *user = json_str(json_get(root, "Username"), "");
	const char *secret = json_str(json_get(root, "Secret"), "");

	if (!*user && !*secret)
		return 0;
	credential_set(ret, user, secret);
	return 1;
}

int credentials_helper_get(struct op *op, const struct credentials_helper *h, const char *key,
			   struct credential *ret, struct err *err)
{
	struct buf _secret_buf_ out = BUF_INIT(CREDENTIALS_BYTES_MAX);
	const struct call call = { "get", key, strlen(key) };
	struct credential _credential_ c = { .kind = CREDENTIAL_HELPER };

	const int known = run(op, h, &call, &out, err);

	if (known <= 0)
		return known;
	const int has = read_answer(h, &out, &c, err);

	if (has <= 0)
		return has;
	c.file = xstrdup(h->file);
	c.key = xstrdup(key);
	c.helper = xstrdup(h->name);
	*ret = c;
	c = (struct credential){ 0 };
	return 1;
}

int credentials_helper_store(struct op *op, const struct credentials_helper *h, const char *key,
			     const struct credential *what, struct err *err)
{
	struct buf _secret_buf_ in = BUF_INIT(CREDENTIALS_BYTES_MAX);
	struct buf _secret_buf_ out = BUF_INIT(CREDENTIALS_BYTES_MAX);
	struct json *_secret_json_ root = json_new_object();
	const bool is_token = what->identity_token;

	json_set_str(root, "ServerURL", key);
	json_set_str(root, "Username", is_token ? CREDENTIAL_TOKEN_USER : what->user);
	json_set_str(root, "Secret", is_token ? what->identity_token : what->secret);
	TRY(buf_reserve(&in, CREDENTIALS_BYTES_MAX / 8, err));
	TRY(json_print(root, 0, &in, err));
	const struct call call = { "store", in.data, in.len };
	const int rc = run(op, h, &call, &out, err);

	return rc ? rc : failed(h, err, HELPER_NOT_FOUND);
}

int credentials_helper_erase(struct op *op, const struct credentials_helper *h, const char *key,
			     struct err *err)
{
	struct buf _secret_buf_ out = BUF_INIT(CREDENTIALS_BYTES_MAX);
	const struct call call = { "erase", key, strlen(key) };

	return run(op, h, &call, &out, err);
}
