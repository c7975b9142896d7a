//! What durability costs: the SQLite store beside a raw loop of `write` and `fdatasync` of the same bytes
//! on the same disk, and beside the memory store; all in one run, round by round.
//!
//! The raw loop appends, as a log does that nobody cuts back: that is what the bounds are about. Beside it
//! stands one that writes over what is there, round and round: no less can be done, since the disk need
//! not note a new length.
//!
//! `cargo bench --bench store` takes some minutes; `-- --quick` (or `--test`) is a smoke run of seconds, and
//! `-- rates`, `rotations` or `large` is that part alone.
//! The files lie in a folder below `target/`; `GRANTLET_BENCH_DIR` names another.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]

#[path = "support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use grantlet::store::{Key, Loaded, MemoryStore, Owner, Record, SqliteStore, Store, StoreResult};
use grantlet::{Algorithm, Config, Engine, FormRequest, Timestamp};
use support::{Fleet, config, grant, key, median, row};

const OFFLINE: &str = "read:notes%20offline_access";
/// What a rotation adds to SQLite's log: a page of 4,096 bytes and its header of 24.
const FRAME: usize = 4_096 + 24;

fn main() {
    let quick = !std::env::args().any(|arg| arg == "--bench")
        || std::env::args().any(|arg| arg == "--quick" || arg == "--test");
    let (rounds, moment, many) = match quick {
        true => (3, Duration::from_millis(60), 2_000),
        false => (21, Duration::from_millis(400), 1_000_000),
    };
    println!("| what | median | bound |");
    println!("| --- | --- | --- |");
    let folder = Folder::new();
    let part = |name: &str| {
        let mut named = std::env::args()
            .skip(1)
            .filter(|arg| !arg.starts_with('-'))
            .peekable();
        named.peek().is_none() || named.any(|arg| arg == name)
    };
    if part("rates") {
        rates(&folder, rounds, moment);
    }
    if part("rotations") {
        rotations(&folder, many);
    }
    if part("large") {
        a_large_file(&folder, many);
    }
}

/// The engine of [`config`] on a store.
fn engine(store: Arc<dyn Store>) -> Engine {
    let mut config = config(Algorithm::ES256);
    // A machine that is busy with other things must not make codes expire.
    config["defaults"] = serde_json::json!({"authorization_code_lifetime": 600});
    let config = Config::from_value(config).unwrap();
    Engine::builder(
        config
            .dangerous_plaintext_keys(true)
            .signing_key(key(Algorithm::ES256)),
    )
    .store(store)
    .build()
    .unwrap()
}

/// Rotations a second, from so many threads, each on grants of its own.
fn rotate(fleets: &mut [Fleet<Engine>], moment: Duration) -> f64 {
    rate(
        fleets
            .iter_mut()
            .map(|fleet| move || fleet.refresh())
            .collect(),
        moment,
    )
}

/// Calls a second of workers side by side, for a moment.
fn rate(workers: Vec<impl FnMut() -> usize + Send>, moment: Duration) -> f64 {
    let start = Instant::now();
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                scope.spawn(move || {
                    let mut count = 0;
                    while start.elapsed() < moment {
                        assert!(worker() > 0);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    counts.iter().sum::<usize>() as f64 / start.elapsed().as_secs_f64()
}

/// Live grants for each of so many threads.
fn fleets(engine: &Engine, threads: usize) -> Vec<Fleet<Engine>> {
    (0..threads)
        .map(|thread| {
            let numbers = thread * 1_000..thread * 1_000 + 64;
            let forms = numbers.map(|n| grant(engine, n, OFFLINE)).collect();
            Fleet::of(engine.clone(), forms)
        })
        .collect()
}

/// What is measured, and how: operations a second.
type Lane<'a> = (&'static str, Box<dyn FnMut() -> f64 + 'a>);

fn rates(folder: &Folder, rounds: usize, moment: Duration) {
    let raw = |batch, rewinds| {
        Raw::new(
            &folder.file(&format!("raw-{batch}-{rewinds}")),
            batch,
            rewinds,
        )
    };
    let (mut append_one, mut append_eight) = (raw(1, false), raw(8, false));
    let (mut over_one, mut over_eight) = (raw(1, true), raw(8, true));
    let sqlite = |name: &str| Arc::new(SqliteStore::open(folder.file(name)).unwrap());
    let durable = engine(sqlite("group.db"));
    let single = engine(Arc::new(OneAtATime(Mutex::default(), sqlite("single.db"))));
    let memory = engine(Arc::new(MemoryStore::new()));
    let (mut one, mut eight) = (fleets(&durable, 1), fleets(&durable, 8));
    let [mut in_group, mut in_memory, mut one_at_a_time] =
        [&durable, &memory, &single].map(|engine| fleets(engine, 32));
    let mut lanes: [Lane<'_>; 9] = [
        (
            "raw append + fdatasync, one record a flush",
            Box::new(|| rate(vec![|| append_one.step()], moment)),
        ),
        (
            "raw write over + fdatasync, one record",
            Box::new(|| rate(vec![|| over_one.step()], moment)),
        ),
        (
            "1 thread, ES256 refreshes",
            Box::new(|| rotate(&mut one, moment)),
        ),
        (
            "raw append + fdatasync, eight records a flush",
            Box::new(|| 8.0 * rate(vec![|| append_eight.step()], moment)),
        ),
        (
            "raw write over + fdatasync, eight records",
            Box::new(|| 8.0 * rate(vec![|| over_eight.step()], moment)),
        ),
        (
            "8 threads, ES256 refreshes",
            Box::new(|| rotate(&mut eight, moment)),
        ),
        (
            "32 threads on the memory store",
            Box::new(|| rotate(&mut in_memory, moment)),
        ),
        (
            "32 threads, ES256 refreshes",
            Box::new(|| rotate(&mut in_group, moment)),
        ),
        (
            "32 threads, one transaction a call",
            Box::new(|| rotate(&mut one_at_a_time, moment)),
        ),
    ];
    let mut samples: Vec<Vec<f64>> = Vec::new();
    for round in 0..=rounds {
        let sample = lanes.iter_mut().map(|(_, run)| run()).collect();
        // The first round warms up.
        if round > 0 {
            samples.push(sample);
        }
    }
    // What each lane is compared with, and the bound of that.
    let beside: [&[(usize, &str)]; 9] = [
        &[],
        &[],
        &[(0, "≥ 0.75 ×"), (1, "")],
        &[],
        &[],
        &[(3, "≥ 0.4 ×"), (4, "")],
        &[],
        &[(6, "≥ 0.3 ×"), (8, "≥ 4 ×")],
        &[],
    ];
    for (at, (name, _)) in lanes.iter().enumerate() {
        let rate = median(samples.iter().map(|sample| sample[at]).collect());
        row(name, format!("{rate:.0}/s"), "");
        for (other, bound) in beside[at] {
            let ratios = samples.iter().map(|sample| sample[at] / sample[*other]);
            let what = format!("{name}, beside {}", lanes[*other].0);
            row(&what, format!("{:.2} ×", median(ratios.collect())), bound);
        }
    }
}

/// What any durable store has to do: write and wait for the disk.
struct Raw {
    file: File,
    bytes: Vec<u8>,
    at: usize,
    /// Whether it writes over what is there, as SQLite's log does once it has been copied.
    rewinds: bool,
}

impl Raw {
    /// SQLite copies its log after as many frames.
    const ROUND: usize = 1_000;

    fn new(path: &Path, batch: usize, rewinds: bool) -> Self {
        Raw {
            file: File::create(path).unwrap(),
            bytes: vec![b'x'; batch * FRAME],
            at: 0,
            rewinds,
        }
    }

    fn step(&mut self) -> usize {
        use std::os::unix::fs::FileExt as _;
        self.file.write_all_at(&self.bytes, self.at as u64).unwrap();
        self.file.sync_data().unwrap();
        self.at += self.bytes.len();
        if self.rewinds && self.at >= Raw::ROUND * FRAME {
            self.at = 0;
        }
        self.bytes.len()
    }
}

/// A store whose calls never share a transaction.
struct OneAtATime(Mutex<()>, Arc<SqliteStore>);

impl Store for OneAtATime {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        let _alone = self.0.lock().unwrap();
        self.1.insert(key, record)
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        self.1.load(key)
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        let _alone = self.0.lock().unwrap();
        self.1.swap(key, version, record)
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.1.owned_by(owner)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        self.1.sweep(now, limit)
    }
}

/// The file does not grow with the number of rotations.
fn rotations(folder: &Folder, many: usize) {
    let path = folder.file("rotations.db");
    let engine = engine(Arc::new(SqliteStore::open(&path).unwrap()));
    let fleets: Vec<Mutex<Fleet<Engine>>> = (0..20)
        .map(|thread| {
            let forms = (0..50).map(|n| grant(&engine, thread * 50 + n, OFFLINE));
            Mutex::new(Fleet::of(engine.clone(), forms.collect()))
        })
        .collect();
    let rotate = |rotations: usize| {
        std::thread::scope(|scope| {
            for fleet in &fleets {
                scope.spawn(|| {
                    let mut fleet = fleet.lock().unwrap();
                    for _ in 0..rotations / fleets.len() {
                        fleet.refresh();
                    }
                });
            }
        });
        size(&path)
    };
    let (few, start) = (many / 100, Instant::now());
    let first = rotate(few);
    let all = rotate(many - few);
    row(
        &format!("file and log after {few} rotations of 1,000 grants, and after {many}"),
        format!(
            "{first} and {all} bytes ({:.0}/s)",
            many as f64 / start.elapsed().as_secs_f64()
        ),
        "no larger but for a checkpoint's slack",
    );
}

fn a_large_file(folder: &Folder, many: usize) {
    let path = folder.file("large.db");
    let builder = engine(Arc::new(SqliteStore::open(&path).unwrap()));
    // Many at once, or the disk is waited for two million times.
    let forms: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|thread| {
                let builder = &builder;
                scope.spawn(move || {
                    let numbers = (thread..many).step_by(64);
                    numbers.fold(String::new(), |_, n| grant(builder, n, OFFLINE))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    drop(builder);
    let bytes = std::fs::metadata(&path).unwrap().size();
    row(
        &format!("file a grant, {many} grants"),
        format!("{:.0} bytes", bytes as f64 / many as f64),
        "≤ 160",
    );
    let mut times = Vec::new();
    for form in forms.iter().take(21) {
        let start = Instant::now();
        let opened = engine(Arc::new(SqliteStore::open(&path).unwrap()));
        let answer = opened.token(FormRequest {
            form,
            authorization: None,
        });
        times.push(start.elapsed().as_secs_f64() * 1e3);
        assert!(answer.is_ok());
    }
    row(
        &format!("opening {many} grants and the first refresh"),
        format!(
            "{:.1} ms (the longest of 21: {:.1})",
            median(times.clone()),
            times.iter().copied().fold(0.0, f64::max)
        ),
        "≤ 20 ms",
    );
}

/// Bytes of the file and its log.
fn size(path: &Path) -> u64 {
    let log = PathBuf::from(format!("{}-wal", path.display()));
    [path, &log]
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|meta| meta.size())
        .sum()
}

/// A folder on a disk, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let below = std::env::var_os("GRANTLET_BENCH_DIR")
            .unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        let path = PathBuf::from(below).join(format!("bench-store-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::io::stdout().flush().ok();
        std::fs::remove_dir_all(&self.0).ok();
    }
}
