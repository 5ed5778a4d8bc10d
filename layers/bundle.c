/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From image config to runtime config. What the image says: args, env, cwd, user, labels and
 * volumes. What it doesn't say is as docker has it: 14 capabilities, the usual mounts, masked and
 * read-only paths.
 */
#include "layers/bundle.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "layers/users.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* NULL-terminated list of words to a JSON array. */
static struct json *words(const char *const *list)
{
	struct json *array = json_new_array();

	for (; *list; list++)
		json_add(array, json_new_str(*list));
	return array;
}

#define WORDS(...) words((const char *const[]){ __VA_ARGS__, NULL })

static bool has_name(const struct json_strs *env, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < env->count; i++)
		if (!strncmp(env->items[i], name, len) && env->items[i][len] == '=')
			return true;
	return false;
}

static struct json *make_env(const struct image_run *run, const struct user *user)
{
	struct json *env = json_new_array();

	if (!has_name(&run->env, "PATH"))
		json_add(env, json_new_str(DEFAULT_PATH));
	for (size_t i = 0; i < run->env.count; i++)
		json_add(env, json_new_str(run->env.items[i]));
	if (!has_name(&run->env, "HOME")) {
		_free_ char *home = xasprintf("HOME=%s", user->home);

		json_add(env, json_new_str(home));
	}
	return env;
}

static struct json *make_args(const struct image_run *run)
{
	struct json *args = json_new_array();

	for (size_t i = 0; i < run->entrypoint.count; i++)
		json_add(args, json_new_str(run->entrypoint.items[i]));
	for (size_t i = 0; i < run->cmd.count; i++)
		json_add(args, json_new_str(run->cmd.items[i]));
	if (!json_count(args)) /* a runtime needs one; what people type first */
		json_add(args, json_new_str("sh"));
	return args;
}

static struct json *make_user(const struct user *user)
{
	struct json *u = json_new_object();

	json_set_int(u, "uid", user->uid);
	json_set_int(u, "gid", user->gid);
	if (user->group_count) {
		struct json *groups = json_new_array();

		for (size_t i = 0; i < user->group_count; i++)
			json_add(groups, json_new_int(user->groups[i]));
		json_set(u, "additionalGids", groups);
	}
	return u;
}

static struct json *make_capabilities(void)
{
	static const char *const names[] = { "CAP_AUDIT_WRITE",
					     "CAP_CHOWN",
					     "CAP_DAC_OVERRIDE",
					     "CAP_FOWNER",
					     "CAP_FSETID",
					     "CAP_KILL",
					     "CAP_MKNOD",
					     "CAP_NET_BIND_SERVICE",
					     "CAP_NET_RAW",
					     "CAP_SETFCAP",
					     "CAP_SETGID",
					     "CAP_SETPCAP",
					     "CAP_SETUID",
					     "CAP_SYS_CHROOT",
					     NULL };
	struct json *caps = json_new_object();

	json_set(caps, "bounding", words(names));
	json_set(caps, "effective", words(names));
	json_set(caps, "permitted", words(names));
	return caps;
}

/*
 * An absolute path without empty, "." and ".." components, so that it stays inside whatever it is
 * joined to.
 */
static char *clean_path(const char *path)
{
	const size_t len = strlen(path);
	char *out = xcalloc(len + 2, 1);
	size_t used = 0;

	for (const char *p = path; *p;) {
		const size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (used && out[--used] != '/')
				;
			out[used] = '\0';
		} else if (n && !(n == 1 && p[0] == '.')) {
			out[used++] = '/';
			memcpy(out + used, p, n);
			used += n;
			out[used] = '\0';
		}
		p += n + (p[n] == '/');
	}
	if (!used)
		out[0] = '/';
	return out;
}

static struct json *make_process(const struct image_run *run, const struct user *user)
{
	struct json *process = json_new_object(), *limits = json_new_array();
	struct json *nofile = json_new_object();
	_free_ char *cwd = clean_path(run->working_dir ? run->working_dir : "/");

	json_set_bool(process, "terminal", false);
	json_set(process, "user", make_user(user));
	json_set(process, "args", make_args(run));
	json_set(process, "env", make_env(run, user));
	json_set_str(process, "cwd", cwd);
	json_set(process, "capabilities", make_capabilities());
	json_set_str(nofile, "type", "RLIMIT_NOFILE");
	json_set_int(nofile, "hard", 1024);
	json_set_int(nofile, "soft", 1024);
	json_add(limits, nofile);
	json_set(process, "rlimits", limits);
	json_set_bool(process, "noNewPrivileges", true);
	return process;
}

static void add_mount(struct json *mounts, const char *destination, const char *type,
		      const char *source, struct json *options)
{
	struct json *m = json_new_object();

	json_set_str(m, "destination", destination);
	json_set_str(m, "type", type);
	json_set_str(m, "source", source);
	json_set(m, "options", options);
	json_add(mounts, m);
}

static struct json *make_mounts(const struct image_run *run, bool rootless)
{
	struct json *m = json_new_array();

	add_mount(m, "/proc", "proc", "proc", WORDS("nosuid", "noexec", "nodev"));
	add_mount(m, "/dev", "tmpfs", "tmpfs",
		  WORDS("nosuid", "strictatime", "mode=755", "size=65536k"));
	/* gid=5 (tty) isn't mapped in a user namespace of one. */
	add_mount(m, "/dev/pts", "devpts", "devpts",
		  rootless ? WORDS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
			   : WORDS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
				   "gid=5"));
	add_mount(m, "/dev/shm", "tmpfs", "shm",
		  WORDS("nosuid", "noexec", "nodev", "mode=1777", "size=65536k"));
	add_mount(m, "/dev/mqueue", "mqueue", "mqueue", WORDS("nosuid", "noexec", "nodev"));
	/* sysfs belongs to the network namespace's owner, which rootless keeps the host's. */
	if (rootless) {
		add_mount(m, "/sys", "none", "/sys",
			  WORDS("rbind", "nosuid", "noexec", "nodev", "ro"));
	} else {
		add_mount(m, "/sys", "sysfs", "sysfs", WORDS("nosuid", "noexec", "nodev", "ro"));
		add_mount(m, "/sys/fs/cgroup", "cgroup", "cgroup",
			  WORDS("nosuid", "noexec", "nodev", "relatime", "ro"));
	}
	for (size_t i = 0; i < run->volumes.count; i++) {
		_free_ char *at = clean_path(run->volumes.items[i]);

		if (strcmp(at, "/") != 0)
			add_mount(m, at, "tmpfs", "tmpfs",
				  WORDS("rw", "nosuid", "nodev", "relatime", "tmpcopyup"));
	}
	return m;
}

static struct json *make_mapping(uint32_t host)
{
	struct json *list = json_new_array(), *map = json_new_object();

	json_set_int(map, "containerID", 0);
	json_set_int(map, "hostID", host);
	json_set_int(map, "size", 1);
	json_add(list, map);
	return list;
}

static struct json *make_namespaces(bool rootless)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount" };
	struct json *list = json_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(types) + 1; i++) {
		struct json *ns = json_new_object();

		json_set_str(ns, "type",
			     i < ARRAY_SIZE(types) ? types[i]
			     : rootless		   ? "user"
						   : "network");
		json_add(list, ns);
	}
	return list;
}

static struct json *make_linux(const struct bundle_options *options)
{
	struct json *linux_ = json_new_object();

	if (options->rootless) {
		json_set(linux_, "uidMappings", make_mapping(options->uid));
		json_set(linux_, "gidMappings", make_mapping(options->gid));
	} else {
		struct json *resources = json_new_object(), *devices = json_new_array();
		struct json *deny = json_new_object();

		json_set_bool(deny, "allow", false);
		json_set_str(deny, "access", "rwm");
		json_add(devices, deny);
		json_set(resources, "devices", devices);
		json_set(linux_, "resources", resources);
	}
	json_set(linux_, "namespaces", make_namespaces(options->rootless));
	json_set(linux_, "maskedPaths",
		 WORDS("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
		       "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		       "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		       "/sys/devices/virtual/powercap"));
	json_set(linux_, "readonlyPaths",
		 WORDS("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
	return linux_;
}

static void annotate(struct json *annotations, const char *key, const char *value)
{
	if (value && *value)
		json_set_str(annotations, key, value);
}

static void annotate_list(struct json *annotations, const char *key, const struct json_strs *list)
{
	_buf_ struct buf text = BUF_INIT((size_t)4 << 20);

	for (size_t i = 0; i < list->count; i++)
		if (buf_printf(&text, NULL, "%s%s", i ? "," : "", list->items[i]) < 0)
			return;
	annotate(annotations, key, buf_str(&text));
}

/* Labels come last: they win over what is generated. */
static struct json *make_annotations(const struct image_config *config)
{
	struct json *a = json_new_object();
	const struct platform *p = &config->platform;

	annotate(a, "org.opencontainers.image.os", p->os);
	annotate(a, "org.opencontainers.image.architecture", p->arch);
	annotate(a, "org.opencontainers.image.variant", p->variant);
	annotate(a, "org.opencontainers.image.os.version", p->os_version);
	annotate_list(a, "org.opencontainers.image.os.features", &p->os_features);
	annotate(a, "org.opencontainers.image.author", config->author);
	annotate(a, "org.opencontainers.image.created", config->created);
	annotate(a, "org.opencontainers.image.stopSignal", config->run.stop_signal);
	annotate_list(a, "org.opencontainers.image.exposedPorts", &config->run.exposed_ports);
	for (size_t i = 0; i < config->run.labels.count; i++)
		json_set_str(a, config->run.labels.items[i].key, config->run.labels.items[i].value);
	return a;
}

static struct json *make_spec(const struct image_config *config, const struct user *user,
			      const struct bundle_options *options)
{
	struct json *spec = json_new_object(), *root = json_new_object();

	json_set_str(spec, "ociVersion", "1.0.2");
	json_set(spec, "process", make_process(&config->run, user));
	json_set_str(root, "path", options->rootfs ? options->rootfs : "rootfs");
	json_set_bool(root, "readonly", false);
	json_set(spec, "root", root);
	json_set_str(spec, "hostname", options->hostname ? options->hostname : "img");
	json_set(spec, "mounts", make_mounts(&config->run, options->rootless));
	json_set(spec, "annotations", make_annotations(config));
	json_set(spec, "linux", make_linux(options));
	return spec;
}

int bundle_config(const struct image_config *config, const struct tree *tree,
		  const struct bundle_options *options, struct buf *out, struct err *err)
{
	struct user user = { 0 };
	_json_ struct json *spec = NULL;
	int rc;

	if (user_resolve(tree, config->run.user, &user, err) < 0)
		return err_prefix(err, "config.User");
	if (options->rootless && (user.uid || user.gid || user.group_count)) {
		user_fini(&user);
		return err_set(err, ERR_UNSUPPORTED,
			       "config.User '%s': only root can be mapped without root",
			       TEXT_ESCAPED(config->run.user));
	}
	spec = make_spec(config, &user, options);
	user_fini(&user);
	rc = json_print(spec, 4, out, err);
	return rc < 0 ? rc : buf_append_char(out, '\n', err);
}
