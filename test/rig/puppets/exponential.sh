#!/bin/sh
# Each process starts two like itself, down to a depth that one machine survives. $1: report file, $2: depth left.
[ "$2" -eq 7 ] && echo "leader $$" >>"$1"
[ "$2" -gt 0 ] || exec sleep 1000
sh "$0" "$1" $(($2 - 1)) &
sh "$0" "$1" $(($2 - 1)) &
while :; do wait; sleep 1; done
