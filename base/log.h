/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics for the person at the terminal: off below the chosen level, to stderr, one line each.
 * A function logs or returns an error, never both.
 */
#ifndef IMG_BASE_LOG_H
#define IMG_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* Where lines go; NULL restores stderr. The sink gets the line without newline, from any thread. */
void log_set_sink(void (*sink)(enum log_level level, const char *line));
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                     \
	do {                                               \
		if (log_is_on(LOG_DEBUG))                  \
			log_write(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
