#!/bin/sh
# Owns one PostgreSQL for as long as its standard input stays open.
#
#   guard.sh OPTIONS PORT...
#
# The options are the server's own, such as `-c fsync=on`, and count more than what is set below.
# Makes a server in a folder of its own, starts it on the first of the ports that is free, prints
# `ready URL`, and waits. Whoever started the guard holds the other end of its standard input: when
# that process ends, killed or not, the input ends, the server is stopped and the folder is removed.
# Anything else that it prints is the reason why there is no server.
set -eu

options=$1
shift

exec 2>&1

if ! bin=$(sh "$(dirname "$0")/find.sh"); then
    echo 'no PostgreSQL server programs on PATH or in /usr/lib/postgresql; run: ./setup.sh test'
    exit 1
fi

# PostgreSQL refuses to run as root; Debian's package brings a user for it. That user must reach the
# folder, and may not reach root's TMPDIR.
if [ "$(id -u)" = 0 ]; then
    if ! id postgres >/dev/null 2>&1; then
        echo 'PostgreSQL does not run as root; run: useradd --system postgres'
        exit 1
    fi
    parent=/tmp
    as_server() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
else
    parent=${TMPDIR:-/tmp}
    as_server() { "$@"; }
fi

folder=$(mktemp -d "$parent/render-tunnel-postgres.XXXXXX")
data=$folder/data
log=$folder/log

# shellcheck disable=SC2317 # called by the trap
finish() {
    trap '' HUP INT PIPE TERM
    if [ -f "$data/postmaster.pid" ]; then
        # Nothing in it is worth a checkpoint.
        as_server "$bin/pg_ctl" stop --pgdata="$data" --mode=immediate >/dev/null 2>&1 || :
    fi
    rm -rf "$folder"
}
trap finish EXIT
# PIPE: nobody is left to read `ready`.
trap 'exit 1' HUP INT PIPE TERM

give_up() {
    cat "$log"
    exit 1
}

cd "$folder"
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$password" >password
: >"$log"
[ "$(id -u)" != 0 ] || chown -R postgres: "$folder"

# Every system has the C locale; a test that needs a collation names it (ICU's are there).
as_server "$bin/initdb" --pgdata="$data" --username=postgres --pwfile=password \
    --no-locale --encoding=UTF8 --no-sync >>"$log" 2>&1 || give_up

# The password goes in clear text over loopback: a client in a debug build takes a tenth of a second
# for SCRAM's hashing, at each connection.
echo 'host all all 127.0.0.1/32 password' >"$data/pg_hba.conf"

cat >>"$data/postgresql.conf" <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
# Tests run side by side, each with pools of its own.
max_connections = 200
shared_buffers = '32MB'
# A crash loses nothing: the folder lives no longer than the server.
fsync = off
synchronous_commit = off
full_page_writes = off
# Half the log's volume: nobody replicates from here.
wal_level = minimal
max_wal_senders = 0
# Estimates change when a test says ANALYZE, not when the time has come.
autovacuum = off
timezone = 'UTC'
SETTINGS

for port in "$@"; do
    if as_server "$bin/pg_ctl" start --wait --pgdata="$data" --log="$log" \
        --options="-p $port $options" >>"$log" 2>&1; then
        echo "ready postgres://postgres:$password@127.0.0.1:$port"
        # Returns when the other end is gone; nothing is ever written to it.
        read -r _ || :
        exit 0
    fi
done
give_up
