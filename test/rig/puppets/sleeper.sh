#!/bin/sh
# A process that does nothing and ends at any signal. $1: report file.
echo "leader $$" >>"$1"
exec sleep 1000
