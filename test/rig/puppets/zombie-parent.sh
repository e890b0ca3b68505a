#!/bin/sh
# Has a dead child that nobody takes: the shell becomes a program that does not know of it. $1: report file.
sh -c 'echo "zombie $$" >>"$1"' sh "$1" &
echo "leader $$" >>"$1"
exec sleep 1000
