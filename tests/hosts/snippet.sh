#!/bin/sh
# Prints the first result in a language, as the README shows it: the fenced block under "## The first result".
#
#     tests/hosts/snippet.sh swift        (rust, c, cpp, objc, swift, csharp; README=… for another file)
set -eu

language=$1
readme=${README:-$(dirname "$0")/../../README.md}
block=$(awk -v fence='```'"$language" '
    /^## / { inside = ($0 == "## The first result") || only }
    $0 == fence && (inside || only) && !done { copy = 1; next }
    /^```/ && copy { copy = 0; done = 1 }
    copy { print }
' only="${README:+1}" "$readme")
[ -n "$block" ] || { echo "$0: $readme shows no first result in $language" >&2; exit 1; }
printf '%s\n' "$block"
