# Helpers of the tests that run one command after another and look at what it
# printed and how it ended.
# shellcheck shell=sh

: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir}"
weir=$top_builddir/weir
command_count=0
command_pids=

scratch=$(mktemp -d)
command_end() {
    for pid in $command_pids; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$scratch"
}
trap command_end EXIT
cd "$scratch"

# command_run WORD...: what it prints is then in ./out and ./err, its status in
# $status.
command_run() {
    status=0
    "$weir" "$@" >out 2>err </dev/null || status=$?
}

# command_case NAME COMMAND WORD...: passes when the command succeeds.
command_case() {
    command_name=$1
    shift
    command_count=$((command_count + 1))
    if "$@"; then
        echo "ok $command_count - $command_name"
    else
        sed 's/^/# out: /' out
        sed 's/^/# err: /' err
        echo "# status: $status"
        echo "not ok $command_count - $command_name"
    fi
}

# exits STATUS TEXT: the command ended so, with TEXT in what it printed.
exits() {
    test "$status" -eq "$1" && cat out err | grep -qF -e "$2"
}

# says LINE...: each is a whole line of standard output.
says() {
    for line in "$@"; do
        grep -qxF -e "$line" out || return 1
    done
}

# command_serve WORD...: start a node, wait until it is ready; its URLs are then
# in $http and $https, its process in $server.
command_serve() {
    : >ready # the line of a node before it would be read else
    "$weir" serve "$@" >ready 2>serve.err </dev/null &
    server=$!
    command_pids="$command_pids $server"
    tries=0
    while ! grep -q '^weir ready' ready; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
            sed 's/^/# serve: /' serve.err
            echo 'Bail out! the node did not start'
            exit 1
        fi
        sleep 0.1
    done
    read -r _ _ http https <ready
}

# command_stop: end the node; $status is how it ended.
command_stop() {
    status=0
    kill -TERM "$server"
    wait "$server" || status=$?
    command_pids=
}
