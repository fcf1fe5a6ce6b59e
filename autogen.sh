#!/bin/sh
# Makes configure and what it needs from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf -fi
