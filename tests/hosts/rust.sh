#!/usr/bin/env bash
# The README's first result in Rust, compiled from its own text and run.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
work=$target/hosts/rust
mkdir -p "$work"

{
    cat tests/hosts/readme/app.rs
    echo 'fn main() -> Result<(), Box<dyn std::error::Error>> {'
    tests/hosts/snippet.sh rust
    echo 'Ok(()) }'
} >"$work/readme.rs"
cargo build --quiet --release --lib
rustc --edition 2024 -D warnings -o "$work/readme" "$work/readme.rs" \
    --extern "grantlet=$target/release/libgrantlet.rlib" -L "dependency=$target/release/deps"
[ "$("$work/readme")" = alice ] || { echo "rust: the README's first result is not alice" >&2; exit 1; }
echo "rust: $(rustc --version | cut -d' ' -f1-2): the README's first result"
