#!/bin/sh
# Starts a child every 5 ms. Ends by itself after some seconds, should a test lose it. $1: report file.
count=0
while [ "$count" -lt 2000 ]; do
  sleep 1000 &
  count=$((count + 1))
  [ "$count" -eq 20 ] && echo "leader $$" >>"$1"
  sleep 0.005
done
