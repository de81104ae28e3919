#!/bin/sh
# The programs named are here, or are installed: PROGRAM:PACKAGE, where the package is not called so.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
for folder in /usr/lib/postgresql/*/bin; do
    PATH="$PATH:$folder"
done

missing=
for program; do
    command -v "${program%%:*}" >/dev/null || missing="$missing ${program##*:}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "To be installed first (as root on Debian it is done for you):$missing" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# PostgreSQL's package would make a cluster and start it.
postgresql=/etc/postgresql-common/createcluster.conf
install() {
    case "$missing" in *" postgresql"*)
        mkdir -p "${postgresql%/*}" && [ -e "$postgresql" ] ||
            echo "create_main_cluster = false" >"$postgresql" ;;
    esac
    timeout 300 apt-get -qq update &&
        timeout 600 apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing
}
if ! DEBIAN_FRONTEND=noninteractive install >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    exit 1
fi
