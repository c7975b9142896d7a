//! `include/grantlet.h` is what the sources of `src/ffi/` generate. `GRL_BLESS=1` writes it anew.
#![cfg(feature = "header")]
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = include_str!(concat!(env!("OUT_DIR"), "/grantlet.h"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/grantlet.h");
    if std::env::var_os("GRL_BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed
        .lines()
        .zip(generated.lines())
        .position(|(old, new)| old != new);
    assert!(
        committed == generated,
        "include/grantlet.h is out of step from line {}; write it anew with \
         `GRL_BLESS=1 cargo test --features header --test header`, and look at the difference",
        differs.map_or(
            committed.lines().count().min(generated.lines().count()),
            |line| line
        ) + 1,
    );
}
