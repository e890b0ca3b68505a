#!/bin/sh
# A command that stays, with a hopper beside it. $1: report, $2: hops.
sh "${0%/*}/hopper.sh" "$1" "$2" &
exec sleep 1000
