//! Every crash point: real work on a real file is recorded, write by write and sync by sync, and for each
//! operation the disk is laid out as a kill or a loss of power right before it would leave it. Whatever
//! that is, an engine opens it, and every client goes on that holds a token it was handed.
//!
//! And every fault: the same work, while one operation (or every one from there on) fails.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{
    Config, Engine, Error, GrantFilter, ManualClock, Secret, Status, Timestamp, TokenResponse,
};
use serde_json::{Value, json};

use crate::support::disk::{
    Disk, Loss, Op, build_recorder, parse, read_image, record, write_image,
};
use crate::support::folder::Folder;
use crate::support::{API, Fixture, START, tenant};

/// Where the store of the child is to be, and where its journal.
const CHILD: &str = "GRL_TEST_CRASH_CHILD";
const CHILD_JOURNAL: &str = "GRL_TEST_CRASH_JOURNAL";
const STORE: &str = "grants.db";
const JOURNAL: &str = "app.log";

fn open(folder: &Path, name: &str) -> Result<Fixture, Error> {
    let mut tenant = tenant();
    tenant["clients"][2]["refresh_token"] = json!({"leeway": "until_used"});
    let config = Config::from_value(tenant)?
        .sqlite(folder.join(name))
        .sealing_key(Secret::new([7; 32]));
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(START)));
    let engine = Engine::builder(config).clock(clock.clone()).build()?;
    Ok(Fixture { engine, clock })
}

// ---- The work --------------------------------------------------------------------------------------

/// The apps' own storage: what each asked and what it was answered, in one file.
struct Journal(Mutex<File>);

impl Journal {
    fn open(path: &Path) -> Self {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path);
        Journal(Mutex::new(file.unwrap()))
    }

    fn note(&self, entry: &Value) {
        // One write: a line is there or not.
        let line = format!("{entry}\n");
        self.0.lock().unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// One user's app: signs in, refreshes, and ends as its number says.
struct App<'a> {
    name: String,
    fixture: &'a Fixture,
    journal: &'a Journal,
}

impl App<'_> {
    fn note(&self, what: &str, value: &str) {
        self.journal.note(&json!({"app": self.name, what: value}));
    }

    fn sign_in(&self) -> Result<String, Error> {
        let query = crate::support::app_query("openid read:notes offline_access");
        let pending = self.fixture.engine.authorize(&query).unwrap();
        let response = self
            .fixture
            .engine
            .approve(&pending, &grantlet::Login::new(&*self.name))?;
        let code = crate::support::code(&response);
        self.note("code", &code);
        self.note("asks", &code);
        self.hold(self.fixture.redeem(&code)?)
    }

    fn refresh(&self, token: &str) -> Result<String, Error> {
        self.note("asks", token);
        self.hold(self.fixture.refresh(token)?)
    }

    fn hold(&self, tokens: TokenResponse) -> Result<String, Error> {
        let token = tokens.refresh_token.as_deref().unwrap().to_owned();
        self.note("access", &tokens.access_token);
        self.note("holds", &token);
        Ok(token)
    }

    fn revoke(&self) -> Result<(), Error> {
        self.note("revoking", "");
        self.fixture.engine.revoke_grants(GrantFilter {
            client_id: None,
            subject: Some(&self.name),
        })?;
        self.note("revoked", "");
        Ok(())
    }

    /// The whole of it; what fails is tried again, as an app would.
    fn live(&self, number: usize) {
        let Some(first) = again(|| self.sign_in()) else {
            return;
        };
        let Some(second) = again(|| self.refresh(&first)) else {
            return;
        };
        match number % 3 {
            // The answer was lost, says the app, and asks with the old one.
            0 => {
                let Some(same) = again(|| self.refresh(&first)) else {
                    return;
                };
                assert_eq!(generation(&same), generation(&second));
            }
            1 => {
                let _ = again(|| self.revoke());
                return;
            }
            _ => {}
        }
        let _ = again(|| self.refresh(&second));
    }
}

/// Tries a few times. What a code or a token turns out to be meanwhile ends it: the answer got lost.
fn again<T>(work: impl Fn() -> Result<T, Error>) -> Option<T> {
    for _ in 0..3 {
        match work() {
            Ok(done) => return Some(done),
            Err(error) => told(&error),
        }
    }
    None
}

/// For the parent: which kinds of failure there were.
fn told(error: &Error) {
    println!("\nfailed: {:?}", error.status());
    let allowed = [
        Status::ServerError,
        Status::Store,
        Status::StoreFull,
        Status::StoreReadOnly,
        Status::StoreCorrupt,
        Status::TemporarilyUnavailable,
        // A code that was redeemed, but the answer failed to come.
        Status::InvalidGrantReused,
        Status::InvalidGrantRevoked,
    ];
    assert!(allowed.contains(&error.status()), "{error:?}");
}

/// Not a test of its own: the work that the others record.
#[test]
fn child_that_works() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let folder = PathBuf::from(folder);
    let journal = std::env::var_os(CHILD_JOURNAL).unwrap();
    let journal = Journal::open(Path::new(&journal));
    for round in 0..4 {
        // Each round opens the file anew: the log is copied into it and removed in between.
        let Some(fixture) = again(|| open(&folder, STORE)) else {
            continue;
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (fixture, journal) = (&fixture, &journal);
                scope.spawn(move || {
                    let name = format!("{round}-{thread}");
                    App {
                        name,
                        fixture,
                        journal,
                    }
                    .live(thread + round);
                });
            }
            scope.spawn(|| {
                let client = format!("late-{round}");
                let metadata = json!({"client_id": client, "redirect_uris": []}).to_string();
                if again(|| fixture.engine.put_client_json(&metadata)).is_some() {
                    journal.note(&json!({"client": client}));
                }
                let _ = again(|| fixture.engine.rotate_keys());
                let _ = again(|| fixture.engine.sweep(10));
                if round == 2 {
                    let _ = again(|| fixture.engine.backup(folder.join("copy.db")));
                }
            });
        });
    }
}

/// What a token says of itself: key id, grant id, generation, MAC. (Its text depends on the key, too.)
fn generation(token: &str) -> u32 {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(&token["grl_rt_".len()..])
        .unwrap();
    u32::from_be_bytes(bytes[20..24].try_into().unwrap())
}

// ---- What was promised -----------------------------------------------------------------------------

/// What the apps know, by their journal up to some moment.
#[derive(Default)]
struct Known {
    apps: BTreeMap<String, BTreeMap<String, String>>,
    clients: Vec<String>,
}

impl Known {
    fn read(&mut self, lines: &[u8]) {
        // A line that was being written is not there yet.
        for line in lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(|line| line.ends_with(b"\n"))
        {
            let entry: Value = serde_json::from_slice(line).unwrap();
            if let Some(client) = entry["client"].as_str() {
                self.clients.push(client.to_owned());
            }
            let Some(app) = entry["app"].as_str() else {
                continue;
            };
            let app = self.apps.entry(app.to_owned()).or_default();
            for (name, value) in entry.as_object().unwrap() {
                if name == "code" {
                    // A sign-in is a new session; of the one before nothing is known any more.
                    app.clear();
                }
                app.insert(name.clone(), value.as_str().unwrap().to_owned());
            }
        }
    }

    /// Opens what is left, and holds it to all that was promised.
    fn check(&self, folder: &Path) {
        let copy = folder.join("copy.db");
        if copy.exists() {
            whole(&copy);
        }
        let fixture = open(folder, STORE).unwrap();
        for client in &self.clients {
            assert!(
                fixture.engine.remove_client(client).is_ok(),
                "{client} was put"
            );
        }
        for (name, app) in &self.apps {
            let get = |what: &str| app.get(what).map(String::as_str);
            match (get("holds"), get("code")) {
                (Some(holds), _) if get("revoking").is_none() => {
                    goes_on(&fixture, name, holds, get("access").unwrap());
                }
                (Some(holds), _) => {
                    let status = fixture.refresh(holds).err().map(|error| error.status());
                    assert!(
                        status == Some(Status::InvalidGrantRevoked) || get("revoked").is_none(),
                        "{name} was revoked: {status:?}"
                    );
                }
                (None, Some(code)) => {
                    let redeemed = fixture.redeem(code).map_err(|error| error.status());
                    let may_be_spent = get("asks") == Some(code);
                    assert!(
                        redeemed.is_ok()
                            || may_be_spent && redeemed.err() == Some(Status::InvalidGrantReused),
                        "{name} holds a code"
                    );
                }
                (None, None) => {}
            }
        }
    }
}

/// A backup that has its name is complete, whenever the power failed.
fn whole(copy: &Path) {
    let conn = rusqlite::Connection::open(copy).unwrap();
    let check = conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(check.unwrap(), "ok", "{}", copy.display());
    drop(conn);
    open(
        copy.parent().unwrap(),
        copy.file_name().unwrap().to_str().unwrap(),
    )
    .unwrap();
}

/// The app goes on with the token that it holds, or has a successor waiting that it did not hear of: the
/// one and only.
fn goes_on(fixture: &Fixture, name: &str, holds: &str, access: &str) {
    fixture
        .engine
        .verify(access, API, &["read:notes"])
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let refresh = |token: &str| {
        let tokens = fixture
            .refresh(token)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        tokens.refresh_token.as_deref().unwrap().to_owned()
    };
    let successor = refresh(holds);
    assert_eq!(refresh(holds), successor, "{name}: one successor");
    assert_eq!(
        generation(&successor),
        generation(holds) + 1,
        "{name}: the next one"
    );
    refresh(&successor);
}

// ---- Every crash point -----------------------------------------------------------------------------

/// Runs the work under the recorder: what it did to the files of a folder, and what it told.
fn work(dir: &Path, journal: &Path, settings: &[(&str, String)]) -> (Vec<Op>, String) {
    std::fs::create_dir(dir).unwrap();
    let log = dir.with_extension("ops");
    let recorder = dir.with_file_name("record.so");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "crash::child_that_works", "--nocapture"])
        .env(CHILD, dir)
        .env(CHILD_JOURNAL, journal);
    let output = record(&mut child, &recorder, dir, &log)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{settings:?}\n{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let ops = parse(&std::fs::read(&log).unwrap());
    std::fs::remove_file(&log).unwrap();
    (ops, told)
}

/// Where images are laid out: in memory, where there is such a place.
fn fast_folder() -> Folder {
    let shm = Path::new("/dev/shm");
    Folder::below(if shm.is_dir() {
        shm.to_owned()
    } else {
        std::env::temp_dir()
    })
}

#[test]
fn whatever_a_crash_leaves_behind_every_client_goes_on() {
    let folder = Folder::new();
    build_recorder(folder.path());
    let dir = folder.file("work");
    let (ops, _) = work(&dir, &dir.join(JOURNAL), &[]);
    assert!(
        ops.len() > 200,
        "{} operations are not much work",
        ops.len()
    );
    let (next, images) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let place = fast_folder();
                let (mut disk, mut known, mut applied) = (Disk::default(), Known::default(), 0);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > ops.len() {
                        return;
                    }
                    for op in &ops[applied..at] {
                        disk.apply(op);
                        if let Op::Write(path, _, bytes) = op
                            && path == Path::new(JOURNAL)
                        {
                            known.read(bytes);
                        }
                    }
                    applied = at;
                    let seed = u64::try_from(at).unwrap();
                    let losses = [Loss::None, Loss::All, Loss::Some(seed), Loss::Some(!seed)];
                    for loss in losses {
                        let image =
                            place.file(&format!("{}", images.fetch_add(1, Ordering::Relaxed)));
                        std::fs::create_dir(&image).unwrap();
                        let mut files = disk.image(loss);
                        files.remove(Path::new(JOURNAL));
                        write_image(&files, &image);
                        let checked =
                            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                                known.check(&image);
                            }));
                        assert!(
                            checked.is_ok(),
                            "a crash before operation {at}, with {loss:?}"
                        );
                        std::fs::remove_dir_all(&image).unwrap();
                    }
                }
            });
        }
    });
    println!("{} operations, {} images", ops.len(), images.into_inner());
    let mut disk = Disk::default();
    ops.iter().for_each(|op| disk.apply(op));
    assert!(
        disk.image(Loss::None) == read_image(&dir),
        "the record missed something"
    );
}

/// A disk that is full, or fails, at one operation or from one on: calls fail, and say so; what was
/// answered is there, and once the disk is well again the work goes on.
#[test]
fn whatever_operation_fails_nothing_that_was_answered_is_lost() {
    const NO_SPACE: i32 = 28;
    const IO_ERROR: i32 = 5;
    let folder = Folder::new();
    build_recorder(folder.path());
    // The apps' own storage is well all the time.
    let journal = |dir: &Path| dir.with_extension("log");
    let undisturbed = folder.file("undisturbed");
    let (ops, _) = work(&undisturbed, &journal(&undisturbed), &[]);
    let failures = Mutex::new(BTreeMap::<String, usize>::new());
    // Not each operation with each fault, but each kind of both many times.
    let next = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(5, Ordering::Relaxed);
                    if at > ops.len() {
                        return;
                    }
                    let (errno, times) = match at % 4 {
                        0 => (NO_SPACE, -1),
                        1 => (IO_ERROR, 1),
                        2 => (NO_SPACE, 1),
                        _ => (IO_ERROR, 3),
                    };
                    let settings = [
                        ("GRL_FAIL_AT", at.to_string()),
                        ("GRL_FAIL_ERRNO", errno.to_string()),
                        ("GRL_FAIL_FOR", times.to_string()),
                    ];
                    let dir = folder.file(&format!("fault-{at}"));
                    let (_, told) = work(&dir, &journal(&dir), &settings);
                    for line in told
                        .lines()
                        .filter_map(|line| line.strip_prefix("failed: "))
                    {
                        *failures.lock().unwrap().entry(line.to_owned()).or_default() += 1;
                    }
                    let mut known = Known::default();
                    known.read(&std::fs::read(journal(&dir)).unwrap());
                    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        known.check(&dir)
                    }));
                    assert!(checked.is_ok(), "{settings:?}");
                    std::fs::remove_dir_all(&dir).unwrap();
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{failures:?}");
    for expected in ["StoreFull", "ServerError"] {
        assert!(failures.contains_key(expected), "{failures:?}");
    }
}
