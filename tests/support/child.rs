//! This test binary once more, as a process of its own: it does one test, and ends with its parent at the
//! latest. What it says is in a file, and is shown where it should not have ended.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};

use grantlet::{Random, SystemRandom};

pub struct Child {
    process: std::process::Child,
    /// Closed when this process ends, however it ends.
    _leash: ChildStdin,
    log: PathBuf,
}

impl Child {
    /// Starts a process that does this test of this binary, in this environment. The test calls
    /// [`obey_the_leash`] first.
    pub fn start(test: &str, variables: &[(&str, &str)], log: &Path) -> Self {
        let words = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(words.try_clone().unwrap())
            .stderr(words)
            .spawn()
            .unwrap();
        Child {
            _leash: process.stdin.take().unwrap(),
            process,
            log: log.to_owned(),
        }
    }

    /// Kills it (SIGKILL) and waits until it is gone. It must not have ended by itself.
    pub fn kill(&mut self) {
        let _ = self.process.kill(); // It may have ended: the status says so.
        let status = self.process.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "{status}: {}", self.words());
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// What it said.
    pub fn words(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// For the child: it ends when its parent has ended, and as a whole where one of its threads panics.
pub fn obey_the_leash() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::exit(101);
    }));
}

/// What a child does next: a number below this.
pub fn below(limit: usize) -> usize {
    let random: &dyn Random = &SystemRandom::default();
    let number = u32::from_be_bytes(random.bytes().unwrap());
    usize::try_from(number).unwrap() % limit
}
