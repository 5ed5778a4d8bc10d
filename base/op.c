/* SPDX-License-Identifier: Apache-2.0 */
/* Cancellation and progress along the chain of operations. */
#include "base/op.h"

#include <stdarg.h>

void op_cancel(struct op *op)
{
	atomic_store(&op->cancelled, true);
}

bool op_is_cancelled(const struct op *op)
{
	for (; op; op = op->parent)
		if (atomic_load_explicit(&op->cancelled, memory_order_relaxed))
			return true;
	return false;
}

int op_check(const struct op *op, struct err *err)
{
	return op_is_cancelled(op) ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
}

uint64_t op_item(void)
{
	static _Atomic uint64_t last; /* a counter, not state */

	return atomic_fetch_add(&last, 1) + 1;
}

void op_report(struct op *op, const struct progress_event *event)
{
	for (; op; op = op->parent)
		if (op->progress) {
			op->progress->report(op->progress, event);
			return;
		}
}

void op_note(struct op *op, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	op_report(op, &(struct progress_event){ .kind = PROGRESS_NOTE, .label = text });
}
