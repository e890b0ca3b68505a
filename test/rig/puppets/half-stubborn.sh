#!/bin/sh
# Dies of INT; its child ignores it. $1: report file.
(trap '' INT; exec sleep 1000) &
echo "child $!" >>"$1"
echo "leader $$" >>"$1"
wait
