#!/bin/sh
# Prints the folder that holds PostgreSQL's server programs: PATH's, else Debian's newest.
# Ends with 1 where there is none. Used by guard.sh and by setup.sh, so that both find the same.
set -eu

is_server() {
    [ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/postgres" ]
}

if initdb=$(command -v initdb); then
    folder=$(dirname "$initdb")
    if is_server "$folder"; then
        echo "$folder"
        exit 0
    fi
fi

# Debian keeps one folder a major version, none of them on PATH.
for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    if is_server "$folder"; then
        echo "$folder"
        exit 0
    fi
done
exit 1
