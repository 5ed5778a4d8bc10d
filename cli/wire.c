/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows which implementation stands behind each interface. */
#include "cli/wire.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "manifest/platform.h"
#include "manifest/reference.h"
#include "net/credentials.h"
#include "net/fetch.h"
#include "registry/client.h"
#include "store/store.h"

#include <sched.h>

int wire_store(struct cli *cli, enum wire_store_use use, struct store **ret, struct err *err)
{
	const bool writes = use == WIRE_WRITE;
	_free_ char *path = NULL;

	if (cli->store && writes && !cli->store_is_writable) {
		store_close(cli->store);
		cli->store = NULL;
	}
	if (!cli->store) {
		TRY(store_default_path(cli->globals.store, &path, err));
		TRY(store_open(path, writes ? STORE_CREATE : STORE_READ_ONLY, &cli->store, err));
		cli->store_is_writable = writes;
	}
	*ret = cli->store;
	return 0;
}

int wire_fetch(struct cli *cli, struct fetch **ret, struct err *err)
{
	if (!cli->fetch) {
		const struct fetch_config config = {
			.plain_http = cli->net.plain_http,
			.tls_verify = cli->net.tls_verify != OPT_FALSE,
			.https_only = cli->net.tls_verify == OPT_TRUE,
			.cert_dir = cli->net.cert_dir,
			.authfile = cli->net.authfile,
			.creds = cli->net.creds,
			.retries = cli->net.retry,
		};

		TRY(fetch_new(&config, &cli->fetch, err));
	}
	*ret = cli->fetch;
	return 0;
}

int wire_registry(struct cli *cli, const struct reference *ref, struct transport **ret,
		  struct err *err)
{
	struct fetch *fetch;

	TRY(wire_fetch(cli, &fetch, err));
	*ret = registry_transport_new(fetch, ref);
	return 0;
}

int wire_credentials(struct cli *cli, struct credentials **ret, struct err *err)
{
	const struct credentials_config config = { cli->net.authfile, cli->net.creds };

	return credentials_new(&config, ret, err);
}

int wire_platform(struct cli *cli, struct platform *ret, struct err *err)
{
	if (!cli->image.platform)
		return 0;
	TRY(platform_parse(cli->image.platform, ret, err));
	return 1;
}

unsigned wire_jobs(const struct cli *cli)
{
	cpu_set_t set;

	if (cli->net.jobs)
		return cli->net.jobs;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

void wire_close(struct cli *cli)
{
	fetch_free(cli->fetch);
	store_close(cli->store);
	cli->fetch = NULL;
	cli->store = NULL;
}
