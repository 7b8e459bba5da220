#!/bin/sh
# Parse every shell script, hold it to `set -u`, and ask shellcheck where it is installed.
set -u
bad=0
for file in $(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run); do
    [ -e "$file" ] || continue
    shell=$(sed -n '1s/^#!.*[ /]\(ba\)\{0,1\}sh$/\1sh/p' "$file")
    [ -n "$shell" ] || { echo "$file: the first line names neither sh nor bash"; bad=1; continue; }
    "$shell" -n "$file" || bad=1
    grep -q '^set -[a-z]*u' "$file" || { echo "$file: no \`set -u\`"; bad=1; }
    [ -x "$file" ] || { echo "$file: not executable"; bad=1; }
    if command -v shellcheck >/dev/null; then shellcheck "$file" || bad=1; fi
done
exit "$bad"
