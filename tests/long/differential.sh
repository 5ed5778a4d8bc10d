# SPDX-License-Identifier: Apache-2.0
#
# Random images by the thousand: what is mounted against the oracle, umoci and GNU tar.
# DIFFERENTIAL_CASES and DIFFERENTIAL_SEED choose others.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
IMG=$(command -v img) $PYTHON "$IMG_ROOT/tests/long/differential.py" "${DIFFERENTIAL_CASES:-2000}" \
	"${DIFFERENTIAL_SEED:-1}" "$PWD/work"
