#!/bin/sh
# A flat tree of $2 processes, this one included. $1: report file.
count=1
while [ "$count" -lt "$2" ]; do
  sleep 1000 &
  count=$((count + 1))
done
echo "leader $$" >>"$1"
wait
