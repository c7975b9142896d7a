#!/usr/bin/env bash
# Every host language, by its real compiler: its binding's tests, the flows of tests/vectors/flows.json, its
# sample, and the README's first result out of the README's own text.
#
#     tests/hosts/run.sh [LANGUAGE…]      (after `cargo build --release`)
#
# A script that exits with 77 could not get its toolchain. In CI that is a failure; elsewhere the language is
# reported by name as not run, also in target/hosts/not-run.
set -euo pipefail
cd "$(dirname "$0")"
target=$(realpath -m "${CARGO_TARGET_DIR:-../../target}")

[ $# -gt 0 ] || set -- rust c cpp objc csharp swift
not_run=
for language; do
    status=0
    "./$language.sh" || status=$?
    case $status in
    0) ;;
    77) not_run+=" $language" ;;
    *)
        echo "hosts: FAILED: $language (exit $status)" >&2
        exit 1
        ;;
    esac
done
mkdir -p "$target/hosts"
echo "$not_run" >"$target/hosts/not-run"
if [ -n "$not_run" ]; then
    echo "hosts: NOT RUN, for want of a toolchain:$not_run" >&2
    [ -z "${CI:-}" ]
fi
