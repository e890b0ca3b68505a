#!/bin/sh
# Executes itself again and again: the same process, ever new programs. Ends by itself, should a test lose it. $1: report, $2: times.
[ "$2" -eq 200000 ] && echo "leader $$" >>"$1"
[ "$2" -gt 0 ] || exit 0
exec sh "$0" "$1" $(($2 - 1))
