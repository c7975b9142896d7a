//! The tools that other tests try crashes with: the recorder sees every operation and can stop at each,
//! and the model of a disk loses what a disk may lose, and nothing else.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::thread;

use crate::support::disk::{
    Disk, Image, Loss, Op, build_recorder, parse, read_image, record, write_image,
};

const CHILD: &str = "GRL_TEST_DISK_CHILD";
const SEEDS: u64 = 2000;

/// What becomes of a child: its exit, its operations, its folder and its own words.
struct Outcome {
    status: ExitStatus,
    ops: Vec<Op>,
    files: Image,
    words: String,
}

/// An empty folder of this name.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("disk")
        .join(name);
    let _ = fs::remove_dir_all(&folder); // Of an earlier run.
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn recorder() -> &'static Path {
    static RECORDER: OnceLock<PathBuf> = OnceLock::new();
    RECORDER.get_or_init(|| build_recorder(&scratch("recorder")))
}

/// Runs [`child_that_writes`] under the recorder.
fn run(name: &str, child: &str, settings: &[(&str, i64)]) -> Outcome {
    let folder = scratch(name);
    let dir = folder.join("files");
    fs::create_dir(&dir).unwrap();
    let (log, words) = (folder.join("log"), folder.join("words"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = record(&mut command, recorder(), &dir, &log)
        .args(["--exact", "disk::child_that_writes"])
        .envs(
            settings
                .iter()
                .map(|(name, value)| (name, value.to_string())),
        )
        .env(CHILD, child)
        .current_dir(&folder)
        .output()
        .unwrap();
    Outcome {
        status: output.status,
        ops: parse(&fs::read(log).unwrap()),
        files: read_image(&dir),
        words: fs::read_to_string(words).unwrap_or_default(),
    }
}

/// The child of [`run`], in the folder that `files` is in; otherwise nothing.
#[test]
fn child_that_writes() {
    let words = match std::env::var(CHILD).as_deref() {
        Ok("story") => match story() {
            Ok(()) => "done".into(),
            Err(error) => error.raw_os_error().unwrap().to_string(),
        },
        Ok("threads") => threads(),
        Ok("stubborn") => stubborn(),
        _ => return,
    };
    fs::write("words", words).unwrap();
}

/// Something of everything, up to the first error.
fn story() -> io::Result<()> {
    let mut file = File::create("files/a")?;
    file.write_all(b"first")?;
    file.seek(SeekFrom::Start(600))?;
    file.write_all(b"second")?;
    file.set_len(603)?;
    file.sync_all()?;
    fs::write("files/a-shm", "not data")?;
    let mut end = OpenOptions::new().append(true).open("files/a")?;
    end.write_all(b"end")?;
    end.write_all_at(b"!", 0)?; // Appended all the same: that is Linux.
    file.write_all_at(b"F", 0)?;
    file.sync_data()?;
    fs::rename("files/a", "files/../files/b")?;
    file.write_all_at(b"b", 1)?;
    File::open("files")?.sync_all()?;
    let mut vectored = File::create("files/b")?;
    let parts = [IoSlice::new(b"two"), IoSlice::new(b" parts")];
    assert_eq!(vectored.write_vectored(&parts)?, 9);
    assert_eq!(vectored.write(b"")?, 0);
    fs::copy("files/b", "files/c")?;
    fs::remove_file("files/b")?;
    fs::remove_file("files/b").unwrap_err();
    vectored.write_all(b"to a file without a name")
}

fn story_ops() -> Vec<Op> {
    let [a, b, c] = ["a", "b", "c"].map(PathBuf::from);
    vec![
        Op::Create(a.clone()),
        Op::Write(a.clone(), 0, b"first".into()),
        Op::Write(a.clone(), 600, b"second".into()),
        Op::Truncate(a.clone(), 603),
        Op::Sync(a.clone()),
        Op::Write(a.clone(), 603, b"end".into()),
        Op::Write(a.clone(), 606, b"!".into()),
        Op::Write(a.clone(), 0, b"F".into()),
        Op::Sync(a.clone()),
        Op::Rename(a, b.clone()),
        Op::Write(b.clone(), 1, b"b".into()),
        Op::SyncDir(PathBuf::new()),
        Op::Truncate(b.clone(), 0),
        Op::Write(b.clone(), 0, b"two parts".into()),
        Op::Create(c.clone()),
        Op::Write(c, 0, b"two parts".into()),
        Op::Unlink(b),
    ]
}

/// Several at once, each with handles of its own: one file that all append to, and one that all overwrite.
fn threads() -> String {
    File::create("files/shared").unwrap();
    thread::scope(|scope| {
        for name in 0..4u8 {
            scope.spawn(move || {
                let mut options = OpenOptions::new();
                let mut end = options.append(true).create(true).open("files/all").unwrap();
                let shared = OpenOptions::new().write(true).open("files/shared").unwrap();
                for round in 0..50u8 {
                    end.write_all(&[name, round]).unwrap();
                    shared
                        .write_all_at(&[name; 700], 3 * u64::from(round))
                        .unwrap();
                    if round % 16 == 0 {
                        end.sync_data().unwrap();
                    }
                }
            });
        }
    });
    String::new()
}

/// Writes on, whatever happens, and tells what did.
fn stubborn() -> String {
    let file = File::create("files/a").unwrap();
    let mut words = String::new();
    for byte in 0..6 {
        words += match file.write_at(&[byte], byte.into()) {
            Ok(_) => "+",
            Err(error) if error.raw_os_error() == Some(5) => "5",
            Err(_) => "?",
        };
    }
    words
}

fn model(ops: &[Op]) -> Disk {
    let mut disk = Disk::default();
    for op in ops {
        disk.apply(op);
    }
    disk
}

fn image(files: &[(&str, &[u8])]) -> Image {
    let files = files.iter();
    files
        .map(|(path, bytes)| (path.into(), bytes.to_vec()))
        .collect()
}

/// What can be there after a loss of power, over many seeds.
fn outcomes(disk: &Disk) -> BTreeSet<Image> {
    (0..SEEDS)
        .map(|seed| disk.image(Loss::Some(seed)))
        .collect()
}

// --- The recorder ---

#[test]
fn every_operation_is_recorded_in_order() {
    let outcome = run("record", "story", &[]);
    assert_eq!((outcome.status.code(), &*outcome.words), (Some(0), "done"));
    assert_eq!(outcome.ops, story_ops());
    assert_eq!(model(&outcome.ops).image(Loss::None), outcome.files);
}

#[test]
fn a_kill_comes_right_before_its_operation() {
    let ops = story_ops();
    for (at, done) in (1..).zip(0..ops.len()) {
        let outcome = run("kill", "story", &[("GRL_KILL_AT", at)]);
        assert_eq!(outcome.status.signal(), Some(9), "{at}");
        assert_eq!(outcome.ops, ops[..done], "{at}");
        assert_eq!(model(&outcome.ops).image(Loss::None), outcome.files, "{at}");
    }
}

#[test]
fn a_failure_does_nothing_and_has_the_wanted_errno() {
    let ops = story_ops();
    for (at, done) in (1..).zip(0..ops.len()) {
        let settings = [("GRL_FAIL_AT", at), ("GRL_FAIL_ERRNO", 28)];
        let outcome = run("fail", "story", &settings);
        assert_eq!(
            (outcome.status.code(), &*outcome.words),
            (Some(0), "28"),
            "{at}"
        );
        assert_eq!(outcome.ops, ops[..done], "{at}");
        assert_eq!(model(&outcome.ops).image(Loss::None), outcome.files, "{at}");
    }
}

#[test]
fn as_many_fail_as_are_asked_for() {
    for (count, words) in [(1, "+5++++"), (2, "+55+++"), (-1, "+55555")] {
        let settings = [("GRL_FAIL_AT", 3), ("GRL_FAIL_FOR", count)];
        let outcome = run("fail_for", "stubborn", &settings);
        assert_eq!(outcome.words, words);
        assert_eq!(model(&outcome.ops).image(Loss::None), outcome.files);
    }
}

#[test]
fn the_log_is_an_order_of_what_threads_did() {
    let outcome = run("threads", "threads", &[]);
    assert_eq!(outcome.ops.len(), 2 + 4 * (50 + 50 + 4));
    assert_eq!(model(&outcome.ops).image(Loss::None), outcome.files);
}

#[test]
fn a_record_cut_short_at_the_end_is_left_out() {
    let log = b"create 0 0 a b\nwrite 7 2 a b\n\n\nrename 0 3 a b\nc/d";
    let ops = [
        Op::Create("a b".into()),
        Op::Write("a b".into(), 7, b"\n\n".into()),
        Op::Rename("a b".into(), "c/d".into()),
    ];
    assert_eq!(parse(log), ops);
    for end in 0..log.len() {
        let whole = [15, 31].into_iter().filter(|&length| length <= end).count();
        assert_eq!(parse(&log[..end]), ops[..whole], "{end}");
    }
}

// --- The model ---

#[test]
fn what_is_synced_survives_and_the_rest_may_not() {
    let a = || PathBuf::from("a");
    let mut disk = model(&[Op::Create(a()), Op::Write(a(), 0, b"old".into())]);
    assert_eq!(disk.image(Loss::None), image(&[("a", b"old")]));
    assert_eq!(disk.image(Loss::All), image(&[]));
    disk.apply(&Op::Sync(a()));
    assert_eq!(disk.image(Loss::All), image(&[("a", b"old")]));
    assert_eq!(outcomes(&disk).len(), 1);
    disk.apply(&Op::Write(a(), 0, b"newer".into()));
    disk.apply(&Op::SyncRange(a()));
    assert_eq!(disk.image(Loss::All), image(&[("a", b"old")]));
    disk.apply(&Op::Truncate(a(), 1));
    assert_eq!(disk.image(Loss::None), image(&[("a", b"n")]));
    let possible: [&[u8]; 4] = [b"old", b"newer", b"o", b"n"];
    assert_eq!(
        outcomes(&disk),
        possible.map(|content| image(&[("a", content)])).into()
    );
}

#[test]
fn a_write_is_torn_at_sectors_only() {
    let before = vec![b'-'; 1100];
    let mut disk = Disk::holding(image(&[("a", &before)]));
    disk.apply(&Op::Write("a".into(), 500, vec![b'1'; 600]));
    disk.apply(&Op::Write("a".into(), 600, vec![b'2'; 10]));
    let found: BTreeSet<String> = outcomes(&disk)
        .into_iter()
        .map(|mut files| {
            let content = String::from_utf8(files.remove(Path::new("a")).unwrap()).unwrap();
            assert_eq!(&content[..500], "-".repeat(500));
            let sectors = [&content[500..512], &content[512..1024], &content[1024..]];
            sectors[1]
                .strip_prefix(&*sectors[1][..1].repeat(88))
                .unwrap();
            sectors
                .map(|sector| {
                    let mut kinds: Vec<_> = sector.chars().collect();
                    kinds.dedup();
                    String::from_iter(kinds)
                })
                .join(" ")
        })
        .collect();
    // Each sector was written or not, and the middle one at one of two moments.
    let mut expected = BTreeSet::new();
    for first in ["-", "1"] {
        for middle in ["-", "1", "121"] {
            for last in ["-", "1"] {
                expected.insert(format!("{first} {middle} {last}"));
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn a_longer_file_may_have_zeros_for_its_content() {
    let mut disk = Disk::holding(image(&[("a", b"old")]));
    disk.apply(&Op::Write("a".into(), 3, b"new".into()));
    let possible: [&[u8]; 3] = [b"old", b"old\0\0\0", b"oldnew"];
    assert_eq!(
        outcomes(&disk),
        possible.map(|content| image(&[("a", content)])).into()
    );
}

#[test]
fn names_are_durable_with_their_folder() {
    let [a, b] = ["a", "d/b"].map(PathBuf::from);
    let mut disk = Disk::holding(image(&[("d/b", b"old")]));
    let [old, both, new] = [
        image(&[("d/b", b"old")]),
        image(&[("a", b"new"), ("d/b", b"old")]),
        image(&[("d/b", b"new")]),
    ];
    for op in [
        Op::Create(a.clone()),
        Op::Write(a.clone(), 0, b"new".into()),
        Op::Sync(a.clone()),
        Op::Rename(a, b.clone()),
        Op::Sync(b.clone()),
    ] {
        disk.apply(&op);
    }
    assert_eq!(disk.image(Loss::All), both);
    assert_eq!(disk.image(Loss::None), new);
    assert_eq!(outcomes(&disk), [both, new.clone()].into());
    disk.apply(&Op::SyncDir("d".into()));
    assert_eq!(outcomes(&disk), [new.clone()].into());
    disk.apply(&Op::Unlink(b.clone()));
    disk.apply(&Op::SyncDir(PathBuf::new()));
    assert_eq!(outcomes(&disk), [new, image(&[])].into());
    // The old file cannot take the name back from a file that has it durably.
    disk.apply(&Op::Create(b.clone()));
    assert_eq!(disk.image(Loss::All), image(&[("d/b", b"new")]));
    disk.apply(&Op::Sync(b));
    assert_eq!(outcomes(&disk), [image(&[("d/b", b"")])].into());
    assert_ne!(disk.image(Loss::All), old);
}

#[test]
fn a_seed_gives_the_same_image_again() {
    let ops = story_ops();
    for end in 0..ops.len() {
        let [one, other] = [(); 2].map(|()| model(&ops[..end]));
        for seed in 0..20 {
            assert_eq!(one.image(Loss::Some(seed)), other.image(Loss::Some(seed)));
        }
    }
}

#[test]
fn an_image_is_laid_out_and_read_back() {
    let folder = scratch("image");
    let files = image(&[("a", b"1"), ("d/b", b""), ("d/e/c", b"\0\n")]);
    write_image(&files, &folder);
    assert_eq!(read_image(&folder), files);
}
