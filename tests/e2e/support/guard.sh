#!/bin/sh
# Owns one program for as long as its standard output stays open.
#
#   guard.sh PROGRAM ARGUMENT...
#
# Standard input, a listening socket, is the program's descriptor 3. Standard output is a socket: the
# program's process id is the one line that is written there, and when its other end is closed,
# because whoever holds it let go or was killed, the program is ended. When the program ends, so does
# the guard.
set -eu

exec 3<&0 4<&1
"$@" </dev/null >&2 4<&- &
program=$!
echo "$program" >&4
{
    read -r _ <&4 || :
    kill "$program"
} 2>/dev/null 3<&- &
watcher=$!
wait "$program" || :
kill "$watcher" 2>/dev/null || :
