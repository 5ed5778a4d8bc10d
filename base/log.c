/* SPDX-License-Identifier: Apache-2.0 */
/* The one place with file-scope state below the command line: the log level and its sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>

typedef void log_sink_fn(enum log_level level, const char *line);

static atomic_int level_now = LOG_WARN;
static _Atomic(log_sink_fn *) sink_now;

void log_set_level(enum log_level level)
{
	atomic_store(&level_now, (int)level);
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

void log_set_sink(log_sink_fn *sink)
{
	atomic_store(&sink_now, sink);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[1024];
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_sink_fn *sink = atomic_load(&sink_now);

	if (sink)
		sink(level, line);
	else
		fprintf(stderr, "img: %s: %s\n", names[level], line);
}
