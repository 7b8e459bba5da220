#!/bin/sh
# Run a command quietly: tools/step.sh "what it does" command...
# Prints the words and the seconds; shows the command's own output only if it fails.
set -u
say=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
began=$(date +%s)
printf '  %s ' "$say"
if "$@" >"$log" 2>&1 </dev/null; then
    printf '· %s s\n' "$(($(date +%s) - began))"
else
    code=$?
    printf '· failed (exit %s)\n' "$code"
    cat "$log"
    exit "$code"
fi
