# SPDX-License-Identifier: Apache-2.0
#
# What the unit tests of the streams leave to the long run: counters of 32 bits wrap after 4 GiB.
. "$IMG_ROOT/tests/flow/lib.sh"

check "gzip of more than 4 GiB, with each library" \
	env IMG_TEST_LONG=1 IMG_TEST=more_than_four_gigabytes "$IMG_BUILD/test/unit/stream"
