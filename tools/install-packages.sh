#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that something needs and this machine lacks.
#
#   install-packages.sh build|test|long|bench           install what is missing
#   install-packages.sh --check build|test|long|bench   only say what is missing; 1 if anything is
set -eu

usage() {
	echo "usage: $0 [--check] build|test|long|bench" >&2
	exit 2
}

check=
if [ "${1-}" = --check ]; then
	check=1
	shift
fi
case ${1-} in
build) groups='build' ;;
test) groups='build test' ;;
long) groups='build test long' ;;
bench) groups='build test bench' ;;
*) usage ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "install-packages: not a Debian machine; tools/packages.txt says what is needed" >&2
	exit 0
fi

arch=$(dpkg --print-architecture)
list=$(dirname "$0")/packages.txt

# The packages of our groups, without those that are for other architectures.
wanted=$(awk -v groups=" $groups " -v arch="$arch" '
	/^#/ || NF < 2 || !index(groups, " " $1 " ") { next }
	/\[/ { only = $0; gsub(/.*\[|\].*/, "", only)
	       if (!index(" " only " ", " " arch " ")) next }
	{ print $2 }' "$list")

present=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
	sed -n 's/^installed //p' | sed 's/([^)]*)//g; s/,/ /g' | tr ' ' '\n' | sort -u)
missing=
for package in $wanted; do
	printf '%s\n' "$present" | grep -qxF "$package" || missing="$missing $package"
done
missing=${missing# }

[ -n "$missing" ] || exit 0

if [ -n "$check" ]; then
	echo "These packages are missing: $missing" >&2
	echo "This installs them:         tools/install-packages.sh $1" >&2
	exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "install-packages: missing: $missing" >&2
		echo "install-packages: neither root nor sudo here; as root run: $0 $1" >&2
		exit 1
	}
	sudo=sudo
fi
echo "installing: $missing"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
	echo "install-packages: not every package list could be refreshed; going on" >&2
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing
