#!/bin/sh
# Ignores TERM, INT and HUP, and so does its child (ignored signals stay ignored across exec). $1: report file.
trap '' TERM INT HUP
sleep 1000 &
echo "child $!" >>"$1"
echo "leader $$" >>"$1"
while :; do wait; done
