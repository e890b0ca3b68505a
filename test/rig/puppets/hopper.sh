#!/bin/sh
# Forks, the parent exits, the child calls setsid and begins again, at once. Ends by itself after many hops. $1: report, $2: hops left.
[ "$2" -eq 200000 ] && echo "leader $$" >>"$1"
[ "$2" -gt 0 ] || exit 0
exec setsid --fork sh "$0" "$1" $(($2 - 1))
