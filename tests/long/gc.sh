# SPDX-License-Identifier: Apache-2.0
#
# tests/flow/gc.sh for long: collectors among pulls, tags, mounts and removals.
export IMG_GC_ROUNDS=400
. "$IMG_ROOT/tests/flow/gc.sh"
