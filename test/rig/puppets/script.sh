#!/bin/sh
# Runs the words after $1 as a command in the folder it is started in, and reports it as the leader. $1: report file.
report=$1
shift
echo "leader $$" >>"$report"
exec "$@"
