#!/bin/sh
# What leaves a tree in every way a program can: a plain child, a child in a session of its own, and a daemon forked twice, with an
# empty environment, closed descriptors and / as its folder. $1: report file.
report=$1
sleep 1000 &
echo "child $!" >>"$report"
setsid sh -c 'echo "session $$" >>"$1"; exec sleep 1001' sh "$report" &
(
  cd /
  env -i "PATH=$PATH" setsid sh -c '
    (
      echo "daemon $(exec sh -c "echo \$PPID")" >>"$1"
      exec sleep 1002 <&- >&- 2>&-
    ) &
  ' sh "$report" <&- >&- 2>&- &
)
echo "leader $$" >>"$report"
wait
exec sleep 1003
