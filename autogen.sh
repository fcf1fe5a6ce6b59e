#!/bin/sh
# Makes configure and what it needs from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
case $PWD in
*[\\\"\#\$\&\'\`\ \	]*)
    echo "autogen.sh: configure takes no path with a space or quote, such as" \
        "'$PWD'" >&2
    exit 1
    ;;
esac
mkdir -p build-aux
exec autoreconf -fi
