/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: cancellation and progress along the chain. */
#include "base/op.h"

#include <CUnit/CUnit.h>
#include <errno.h>

void test_op__cancelled_with_its_parent(void)
{
	struct op root = { .jobs = 1 }, child = { .parent = &root };
	struct err err = { 0 };

	CU_ASSERT_EQUAL(op_check(&child, &err), 0);
	CU_ASSERT_EQUAL(op_check(NULL, &err), 0);
	op_cancel(&child);
	CU_ASSERT_EQUAL(op_check(&child, &err), -ECANCELED);
	CU_ASSERT_EQUAL(err.kind, ERR_CANCELLED);
	CU_ASSERT_FALSE(op_is_cancelled(&root));
	struct op other = { .parent = &root };

	op_cancel(&root);
	CU_ASSERT_TRUE(op_is_cancelled(&other));
}

void test_op__items_are_unique_and_not_zero(void)
{
	const uint64_t a = op_item(), b = op_item();

	CU_ASSERT_TRUE(a && b && a != b);
}

struct sink {
	struct progress base;
	unsigned count;
	enum progress_kind kind;
	uint64_t item;
	char label[700];
};

static void take(struct progress *self, const struct progress_event *event)
{
	struct sink *s = (struct sink *)self;

	s->count++;
	s->kind = event->kind;
	s->item = event->item;
	snprintf(s->label, sizeof(s->label), "%s", event->label ? event->label : "");
}

void test_op__reports_to_the_nearest_listener(void)
{
	struct sink far = { .base.report = take }, near = { .base.report = take };
	struct op root = { .progress = &far.base };
	struct op middle = { .parent = &root };
	struct op leaf = { .parent = &middle };

	op_report(&leaf, &(struct progress_event){ .kind = PROGRESS_BYTES, .item = 5 });
	CU_ASSERT_TRUE(far.count == 1 && far.kind == PROGRESS_BYTES && far.item == 5);
	middle.progress = &near.base;
	op_note(&leaf, "layer %d", 3);
	CU_ASSERT_TRUE(far.count == 1 && near.count == 1 && near.kind == PROGRESS_NOTE);
	CU_ASSERT_STRING_EQUAL(near.label, "layer 3");
}

void test_op__nobody_listens(void)
{
	struct op op = { 0 };

	op_note(&op, "x");
	op_note(NULL, "x");
	op_report(NULL, &(struct progress_event){ 0 });
}
