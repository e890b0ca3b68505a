#!/bin/sh
# Has a dead child that nobody takes: by the time the child ends, its parent is a program that does not know of it. $1: report file.
sh -c '
  until read -r name <"/proc/$PPID/comm" && [ "$name" = sleep ]; do :; done
  echo "zombie $$" >>"$1"
' sh "$1" &
echo "leader $$" >>"$1"
exec sleep 1000
