//! Resident memory per live grant, each peer in a process of its own: an allocator hands the pages that
//! one peer freed to the next, which would then look free of charge.

use std::process::Command;

use crate::{Peer, fleet::Fleet};

/// The argument that makes the bench measure one peer's memory and exit: `--memory PEER GRANTS`.
pub const ARGUMENT: &str = "--memory";

/// Bytes a grant.
#[derive(Clone, Copy)]
pub struct Footprint {
    pub fresh: usize,
    /// After each grant was refreshed once.
    pub refreshed: usize,
}

impl Footprint {
    /// Measures in this process, which must have done nothing else.
    pub fn of(peer: impl Peer, grants: usize) -> Self {
        let mut fleet = Fleet::new(peer, grants);
        let empty = resident_bytes();
        let per_grant = || resident_bytes().saturating_sub(empty) / grants;

        fleet.populate();
        let fresh = per_grant();
        for _ in 0..grants / 100 {
            fleet.refresh(100);
        }
        Footprint {
            fresh,
            refreshed: per_grant(),
        }
    }

    /// Measures `peer` in a child process.
    pub fn in_child(peer: &str, grants: usize) -> Self {
        let bench = std::env::current_exe().expect("the path of this bench");
        let output = Command::new(bench)
            .args([ARGUMENT, peer, &grants.to_string()])
            .output()
            .expect("start the child");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Footprint::parse(&String::from_utf8(output.stdout).expect("text"))
    }

    /// What a child prints for [`Footprint::in_child`].
    pub fn print(self) {
        println!("{} {}", self.fresh, self.refreshed);
    }

    fn parse(text: &str) -> Self {
        let (fresh, refreshed) = text.trim().split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        Footprint {
            fresh: number(fresh),
            refreshed: number(refreshed),
        }
    }
}

fn resident_bytes() -> usize {
    // Linux only, in KiB; `statm` counts the same in pages of a size that it does not tell.
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    let kib: usize = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kib * 1024
}
