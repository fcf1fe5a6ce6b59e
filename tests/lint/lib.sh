# Helpers of the lints, which say in TAP what they looked for. A finding is a
# line of text; a lint that looks for nothing finds nothing, so each also plants
# a fault in a tree of its own ($planted) and has to find that.
# shellcheck shell=sh

: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir}"
: "${AWK:=awk}"
: "${CC:=cc}"
: "${NM:=nm}"
folders='base proto storage cluster src tests'
lib_count=0

planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT

# lib_sources ROOT: our C files below ROOT, as paths from there.
lib_sources() {
    (cd "$1" && for folder in $folders; do
        test ! -d "$folder" || find "$folder" -name '*.[ch]' \
            ! -name '*.pb-c.[ch]' ! -path '*/node_modules/*'
    done | sort)
}

# lib_plant FILE: standard input becomes a file of the planted tree.
lib_plant() {
    mkdir -p "$planted/$(dirname "$1")"
    cat >"$planted/$1"
}

# lib_none NAME FINDINGS
lib_none() {
    lib_count=$((lib_count + 1))
    if [ -z "$2" ]; then
        echo "ok $lib_count - $1"
    else
        printf '%s\n' "$2" | sed 's/^/# /'
        echo "not ok $lib_count - $1"
    fi
}

# lib_some NAME FINDINGS: the planted fault was found.
lib_some() {
    lib_count=$((lib_count + 1))
    if [ -n "$2" ]; then
        echo "ok $lib_count - finds $1"
    else
        echo "not ok $lib_count - finds $1"
    fi
}

# lib_skip NAME REASON
lib_skip() {
    lib_count=$((lib_count + 1))
    echo "ok $lib_count - $1 # SKIP $2"
}

lib_end() {
    echo "1..$lib_count"
}
