#!/bin/sh
# Make an environment: environment.sh FOLDER WHY-ANEW PYTHON. What hinders it is told in one line.
set -u
folder=$1 why=$2
shift 2

refuse() {
    echo "Cannot make $(pwd -P)/$folder: $*" >&2
    exit 1
}

# The line that tells why, of what a program has printed.
reason() {
    printf '%s\n' "$1" | grep -m 1 Errno || printf '%s\n' "$1" | grep -m 1 "not found" ||
        printf '%s\n' "$1" | tail -n 1
}

attempt() {
    output=$("$@" 2>&1) && return
    rm -rf "$folder" 2>/dev/null
    refuse "$(reason "$output")"
}

[ -w . ] || refuse "user $(id -u) cannot write in this folder"

version=$("$@" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.version_info >= (3, 11))' 2>&1)
case $version in
    *" True") ;;
    *" False") refuse "Python 3.11 or later is needed and $* is ${version% *} (make PYTHON=python3.12 ... names another)" ;;
    *) refuse "$* does not run, make PYTHON=python3.12 ... names another ($(reason "$version"))" ;;
esac
"$@" -c 'import ensurepip, venv' 2>/dev/null ||
    refuse "$* lacks the modules venv and ensurepip (on Debian: apt install python3-venv)"

[ -z "$why" ] || echo "Making $folder anew: $why" >&2
attempt rm -rf "$folder"
attempt "$@" -m venv --without-pip "$folder"
attempt "$folder/bin/python" -I -m ensurepip --default-pip

# The Makefile looks whether these still hold.
attempt "$folder/bin/python" -I -c '
import os, sys
os.symlink(os.path.realpath("Makefile"), sys.argv[1] + "/made-in")
os.symlink(os.path.realpath(sys.executable), sys.argv[1] + "/made-with")' "$folder"
