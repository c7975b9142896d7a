//! The SQLite store as a file: who may read it, what else may lie in its place, what an operator sees in
//! it, what a full, read-only or damaged one does, and how a backup is made.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use grantlet::store::{Record, SqliteStore, Store, StoreError};
use grantlet::{Config, Engine, GrantFilter, Secret, Status};
use rusqlite::Connection;

use crate::support::folder::Folder;
use crate::support::store_contract::{at, grant, key};
use crate::support::{API, Fixture, START, tenant};

const SEALING_KEY: [u8; 32] = [7; 32];

/// An engine on [`tenant`] and this file.
fn fixture(path: &Path) -> Fixture {
    Fixture::of(config(path), |builder| builder)
}

fn config(path: &Path) -> Config {
    Config::from_value(tenant())
        .unwrap()
        .sqlite(path)
        .sealing_key(Secret::new(SEALING_KEY))
}

fn refusal(path: &Path) -> Status {
    Engine::new(config(path)).unwrap_err().status()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_is_its_owner_s_alone() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture = fixture(&path);
    fixture.sign_in();
    for file in ["grants.db", "grants.db-wal", "grants.db-shm"] {
        assert_eq!(mode(folder.file(file)), 0o600, "{file}");
    }
    let copy = folder.file("copy.db");
    fixture.engine.backup(&copy).unwrap();
    assert_eq!(mode(&copy), 0o600);
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let folder = Folder::new();
    let text = folder.file("notes.txt");
    std::fs::write(&text, "Dear diary, ".repeat(500)).unwrap();
    let other = folder.file("other.db");
    let conn = Connection::open(&other).unwrap();
    conn.execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('a')")
        .unwrap();
    drop(conn);
    let named = folder.file("named.db");
    let conn = Connection::open(&named).unwrap();
    conn.pragma_update(None, "application_id", 77).unwrap();
    drop(conn);
    for path in [text, other, named] {
        let before = std::fs::read(&path).unwrap();
        assert_eq!(refusal(&path), Status::StoreForeign, "{}", path.display());
        assert!(
            std::fs::read(&path).unwrap() == before,
            "{} was changed",
            path.display()
        );
    }
    assert_eq!(refusal(folder.path()), Status::StoreReadOnly, "a folder");
    let nowhere = folder.file("no/such/folder/grants.db");
    let error = Engine::new(config(&nowhere)).unwrap_err();
    assert_eq!(error.status(), Status::Store);
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    std::fs::write(&path, "").unwrap();
    fixture(&path).sign_in();
    assert_eq!(
        fixture(&path)
            .engine
            .grants(GrantFilter::default())
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    fixture(&path).sign_in();
    let conn = Connection::open(&path).unwrap();
    let version: i32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    conn.pragma_update(None, "user_version", version + 1)
        .unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    let error = Engine::new(config(&path)).unwrap_err();
    assert_eq!(error.status(), Status::StoreNewer);
    assert!(error.detail().unwrap().contains("version 2"), "{error}");
    assert!(std::fs::read(&path).unwrap() == before, "it was changed");
}

/// Whatever page is garbage: no call panics, hangs or tells what it should not, and once it is
/// mended the session goes on.
#[test]
fn a_damaged_file_is_found_out_and_never_trusted() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture_of = |path: &Path| {
        let mut tenant = tenant();
        tenant["clients"][2]["refresh_token"] = serde_json::json!({"leeway": "until_used"});
        let config = Config::from_value(tenant).unwrap().sqlite(path);
        Engine::new(config.sealing_key(Secret::new(SEALING_KEY)))
    };
    let tokens = {
        let fixture = Fixture {
            engine: fixture_of(&path).unwrap(),
            clock: Arc::default(),
        };
        for _ in 0..40 {
            fixture.app_code("read:notes");
        }
        fixture.sign_in()
    };
    let good = std::fs::read(&path).unwrap();
    assert!(good.len() > 8 * 4096, "it is several pages long");
    let token = tokens.refresh_token.unwrap();
    let (mut refused, mut served) = (0, 0);
    for page in 0..good.len() / 4096 {
        let mut bad = good.clone();
        bad[page * 4096..][..4096].fill(0x5a);
        std::fs::write(&path, &bad).unwrap();
        let done = fixture_of(&path).and_then(|engine| {
            let fixture = Fixture {
                engine,
                clock: Arc::default(),
            };
            fixture.engine.grants(GrantFilter::default())?;
            fixture.refresh(&token)
        });
        match done {
            // A page that none of these calls needs.
            Ok(_) => served += 1,
            Err(error) => {
                refused += 1;
                let known = [Status::StoreCorrupt, Status::StoreForeign];
                assert!(known.contains(&error.status()), "page {page}: {error}");
            }
        }
    }
    assert!(
        refused > served,
        "{refused} pages were missed, {served} were not"
    );
    std::fs::write(&path, &good).unwrap();
    let mended = Fixture {
        engine: fixture_of(&path).unwrap(),
        clock: Arc::default(),
    };
    mended.refresh(&token).unwrap();
}

/// Whose values SQL changed by hand are no longer what a record can be.
#[test]
fn a_row_that_no_record_can_have_is_damage() {
    let folder = Folder::new();
    for (number, change) in [
        "UPDATE grants SET revoked = 9",
        "UPDATE grants SET details = '{\"sid\":'",
        "UPDATE grants SET details = '{\"unheard\":1}'",
        "UPDATE grants SET details = x'00ff'",
        "UPDATE grants SET subject = x'00ff'",
        "UPDATE grants SET generation = -1",
        "UPDATE grants SET generation = 'one'",
        "UPDATE grants SET expires_at = 99999999999",
        "UPDATE grants SET terms = 77",
        "UPDATE terms SET scope = 'a\"b'",
        "UPDATE terms SET audience = '{}'",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.file(&format!("{number}.db"));
        let token = fixture(&path).sign_in().refresh_token.unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(change).unwrap();
        drop(conn);
        let error = fixture(&path).refresh(&token).unwrap_err();
        assert_eq!(error.status(), Status::StoreCorrupt, "{change}: {error}");
        assert!(!format!("{error:?}").contains("alice"), "{error:?}");
    }
}

const READ_ONLY_CHILD: &str = "GRL_TEST_READ_ONLY";

/// The superuser may write to everything: so this is the work of a child that is nobody.
#[test]
fn a_file_that_cannot_be_written_to_is_refused() {
    if let Some(folder) = std::env::var_os(READ_ONLY_CHILD) {
        let folder = Path::new(&folder);
        for name in ["file/grants.db", "folder/grants.db", "folder/new.db"] {
            let error = SqliteStore::open(folder.join(name)).err().unwrap();
            assert!(matches!(error, StoreError::ReadOnly(_)), "{name}: {error}");
        }
        return;
    }
    use std::os::unix::process::CommandExt as _;
    let folder = Folder::new();
    let chmod = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["file", "folder"] {
        std::fs::create_dir(folder.file(name)).unwrap();
        let path = folder.file(name).join("grants.db");
        drop(SqliteStore::open(&path).unwrap());
        chmod(&path, if name == "file" { 0o444 } else { 0o666 });
        chmod(
            &folder.file(name),
            if name == "file" { 0o777 } else { 0o555 },
        );
    }
    chmod(folder.path(), 0o755);
    // Nobody cannot read the test binary where it was built.
    let program = folder.file("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    chmod(&program, 0o755);
    let mut child = std::process::Command::new(&program);
    child
        .args([
            "--exact",
            "sqlite::a_file_that_cannot_be_written_to_is_refused",
        ])
        .env(READ_ONLY_CHILD, folder.path())
        .current_dir("/");
    let is_root = std::fs::metadata("/proc/self")
        .map(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
        .unwrap();
    if is_root {
        child.uid(65_534).gid(65_534);
    }
    let output = child.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
    chmod(&folder.file("folder"), 0o755);
}

/// A call waits for another process for a bounded time, and says then that it may be tried again;
/// nobody who only reads waits.
#[test]
fn a_file_that_another_process_holds_is_busy_and_nothing_is_lost() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture = fixture(&path);
    let tokens = fixture.sign_in();
    let token = tokens.refresh_token.unwrap();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = std::thread::scope(|scope| {
        let waits = scope.spawn(|| fixture.refresh(&token).unwrap_err());
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap();
        fixture.engine.grants(GrantFilter::default()).unwrap();
        assert!(!waits.is_finished(), "readers were not kept waiting");
        waits.join().unwrap()
    });
    assert_eq!(error.status(), Status::TemporarilyUnavailable);
    assert_eq!(error.http_status(), 503);
    conn.execute_batch("ROLLBACK").unwrap();
    fixture.refresh(&token).unwrap();
}

#[test]
fn an_operator_reads_it_with_sql() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture = fixture(&path);
    fixture.sign_in();
    let id = fixture.engine.grants(GrantFilter::default()).unwrap()[0]
        .grant_id
        .clone();
    fixture.app_code("read:notes");
    fixture.engine.revoke_grant(&id).unwrap();
    let conn = Connection::open(&path).unwrap();
    let row = conn
        .query_row(
            "SELECT client_id, subject, scope, audience, revoked, generation, approved_at FROM grant_list \
             WHERE revoked IS NOT NULL",
            [],
            |row| {
                Ok([0, 1, 2, 3, 4, 6].map(|column| row.get::<_, String>(column).unwrap()))
            },
        )
        .unwrap();
    assert_eq!(
        row,
        [
            "notes-app",
            "alice",
            "openid read:notes offline_access",
            "[\"https://api.example.com/\"]",
            "by_host",
            "2026-01-01 00:00:00"
        ]
    );
    let listed: i64 = conn
        .query_row("SELECT count(*) FROM grant_list", [], |row| row.get(0))
        .unwrap();
    assert_eq!(listed, 2);
}

/// DESIGN §1: «a stolen database file yields no session».
#[test]
fn the_file_holds_no_token_and_no_secret() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture = fixture(&path);
    let code = fixture.app_code("openid read:notes offline_access");
    let first = fixture.redeem(&code).unwrap();
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    fixture
        .engine
        .put_api_json(
            r#"{"identifier": "https://hs.example.com/", "signing_secret": "a shared secret of many random bits"}"#,
        )
        .unwrap();
    fixture
        .engine
        .put_client_json(
            r#"{"client_id": "late", "client_secret": "a late secret of many bits",
                "redirect_uris": ["https://late.example.com/"]}"#,
        )
        .unwrap();
    fixture.engine.rotate_keys().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(std::fs::read(folder.file("grants.db-wal")).unwrap());
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(holds(b"alice"), "the test looks at the right bytes");
    let tokens = [
        &*code,
        &*first.access_token,
        &*second.access_token,
        &*second.id_token.unwrap(),
    ];
    for text in tokens.into_iter().chain(first.refresh_token.as_deref()) {
        // The MAC or the signature is at the end.
        assert!(!holds(&text.as_bytes()[text.len() - 20..]), "{text}");
    }
    for word in [
        "shared secret",
        "late secret",
        "\"d\":",
        "\"kty\":",
        "token_keys",
    ] {
        assert!(!holds(word.as_bytes()), "{word}");
    }
    assert!(!holds(&SEALING_KEY));
}

#[test]
fn a_sweep_takes_what_has_ended_and_the_terms_that_nobody_has_any_more() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..30 {
        let client = format!("client-{}", number % 3);
        let until = if number % 3 == 0 { 1_000 } else { 10 };
        store
            .insert(&key(number), Record::Grant(grant(&client, "alice", until)))
            .unwrap();
    }
    store
        .insert(&key(99), Record::Mark { until: at(10) })
        .unwrap();
    while store.sweep(at(10), 4).unwrap() > 0 {}
    let conn = Connection::open(&path).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(
        (count("grants"), count("marks"), count("terms")),
        (10, 0, 1)
    );
    // The same terms again get a number that nothing had before.
    store
        .insert(&key(1), Record::Grant(grant("client-1", "bob", 10)))
        .unwrap();
    let newest: i64 = conn
        .query_row("SELECT max(id) FROM terms", [], |row| row.get(0))
        .unwrap();
    assert!(newest > 3, "{newest}");
}

/// A host that never sweeps: what has long ended goes while new grants come.
#[test]
fn what_has_long_ended_goes_by_itself() {
    const DAY: u64 = 24 * 3600;
    let folder = Folder::new();
    let stores: [Box<dyn Store>; 2] = [
        Box::new(SqliteStore::open(folder.file("grants.db")).unwrap()),
        Box::new(grantlet::store::MemoryStore::new()),
    ];
    for store in stores {
        // Each lives for an hour; one comes every ten minutes, for three weeks.
        for number in 0..3_024_u64 {
            let now = START + number * 600;
            let mut grant = grant("c", "s", now + 3_600);
            grant.approved_at = at(now);
            store.insert(&key(number), Record::Grant(grant)).unwrap();
        }
        let alive = store
            .owned_by(grantlet::store::Owner::default())
            .unwrap()
            .len();
        // A day's are kept in any case: 6 an hour.
        let kept = usize::try_from((DAY + 3_600) / 600).unwrap();
        assert!((kept..kept * 2).contains(&alive), "{alive} of {kept}");
    }
}

/// Made while threads go on: each copy is of one moment, complete, and opens like any store.
#[test]
fn a_backup_is_consistent_while_work_goes_on() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let live = fixture(&path);
    let tokens: Vec<_> = (0..3).map(|_| live.sign_in()).collect();
    let stop = AtomicBool::new(false);
    let copies: Vec<_> = (0..5)
        .map(|n| folder.file(&format!("copy-{n}.db")))
        .collect();
    std::thread::scope(|scope| {
        for tokens in &tokens {
            let (live, stop) = (&live, &stop);
            scope.spawn(move || {
                let mut token = tokens.refresh_token.clone().unwrap();
                while !stop.load(Ordering::Relaxed) {
                    token = live.refresh(&token).unwrap().refresh_token.unwrap();
                }
            });
        }
        for copy in &copies {
            live.engine.backup(copy).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mut generations = 0;
    for copy in &copies {
        assert!(
            !folder
                .path()
                .join(format!("{}.partial", copy.display()))
                .exists()
        );
        let conn = Connection::open(copy).unwrap();
        let check: String = conn
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        drop(conn);
        let copied = fixture(copy);
        let grants = copied.engine.grants(GrantFilter::default()).unwrap();
        assert_eq!(grants.len(), 3);
        let sum: u32 = grants.iter().map(|grant| grant.generation).sum();
        assert!(sum >= generations, "a later copy is not older");
        generations = sum;
        assert_eq!(copied.engine.jwks(), live.engine.jwks());
        copied
            .engine
            .verify(&tokens[0].access_token, API, &[])
            .unwrap();
    }
}

/// Threads that open a new file at the same moment: whoever makes it must not, by closing it, let go of
/// the locks that SQLite has on it already. Else the next process to open and close the file would take
/// itself for the last, and the log away.
#[test]
fn a_new_file_s_log_stays_while_others_come_and_go() {
    const CHILD: &str = "GRL_TEST_VISITOR";
    if let Some(path) = std::env::var_os(CHILD) {
        let conn = Connection::open(path).unwrap();
        let count: i64 = conn
            .query_row("SELECT count(*) FROM marks", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 0);
        return;
    }
    for _ in 0..40 {
        let folder = Folder::new();
        let path = folder.file("grants.db");
        let barrier = std::sync::Barrier::new(3);
        let stores: Vec<_> = std::thread::scope(|scope| {
            let threads = [0; 3].map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    SqliteStore::open(&path).unwrap()
                })
            });
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let visitor = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sqlite::a_new_file_s_log_stays_while_others_come_and_go",
            ])
            .env(CHILD, &path)
            .output()
            .unwrap();
        assert!(visitor.status.success());
        assert!(folder.file("grants.db-wal").exists(), "the log is gone");
        let mark = Record::Mark { until: at(5) };
        assert!(stores[0].insert(&key(1), mark.clone()).unwrap());
        drop(stores);
        let again = SqliteStore::open(&path).unwrap();
        assert_eq!(again.load(&key(1)).unwrap().unwrap().record, mark);
    }
}

/// What is written to a file that has no name any more would be gone with the process: it is not answered.
#[test]
fn a_file_that_was_taken_away_or_replaced_is_noticed() {
    let folder = Folder::new();
    for replaced in [false, true] {
        let path = folder.file(&format!("{replaced}.db"));
        let fixture = fixture(&path);
        let token = fixture.sign_in().refresh_token.unwrap();
        let away = folder.file(&format!("{replaced}.away"));
        std::fs::rename(&path, &away).unwrap();
        if replaced {
            std::fs::copy(&away, &path).unwrap();
        }
        let error = fixture.refresh(&token).unwrap_err();
        assert_eq!(error.status(), Status::ServerError);
        assert!(error.detail().unwrap().contains("replaced"), "{error}");
        assert!(
            fixture
                .engine
                .revoke_grants(GrantFilter::default())
                .is_err()
        );
        std::fs::rename(&away, &path).unwrap();
        fixture.refresh(&token).unwrap();
    }
}

/// Of several who make one backup at once, one does, and it is whole and its owner's alone.
#[test]
fn backups_to_one_name_keep_out_of_each_other_s_way() {
    let folder = Folder::new();
    let fixture = fixture(&folder.file("grants.db"));
    for _ in 0..60 {
        fixture.sign_in();
    }
    for round in 0..20 {
        let copy = folder.file(&format!("copy-{round}"));
        let made = std::thread::scope(|scope| {
            let threads = [0, 1, 2, 3].map(|pause| {
                let (fixture, copy) = (&fixture, &copy);
                scope.spawn(move || {
                    std::thread::sleep(std::time::Duration::from_micros(pause * 400));
                    fixture.engine.backup(copy).is_ok()
                })
            });
            let made = threads.into_iter().map(|thread| thread.join().unwrap());
            made.filter(|&made| made).count()
        });
        assert_eq!(made, 1);
        assert_eq!(mode(&copy), 0o600);
        let conn = Connection::open(&copy).unwrap();
        let grants: i64 = conn
            .query_row("SELECT count(*) FROM grants", [], |row| row.get(0))
            .unwrap();
        assert_eq!(grants, 60);
    }
    let left = std::fs::read_dir(folder.path()).unwrap();
    let partial =
        |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().contains("partial");
    assert!(!left.map(Result::unwrap).any(partial));
}

/// As a host writes it that has no other place: the process's own folder.
#[test]
fn a_relative_path_is_a_path() {
    const CHILD: &str = "GRL_TEST_RELATIVE";
    if std::env::var_os(CHILD).is_some() {
        let fixture = fixture(Path::new("grants.db"));
        fixture.sign_in();
        fixture.engine.backup("copy.db").unwrap();
        std::env::set_current_dir("/").unwrap();
        fixture.sign_in();
        return;
    }
    let folder = Folder::new();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::a_relative_path_is_a_path"])
        .env(CHILD, "")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    for file in ["grants.db", "copy.db"] {
        let grants = fixture(&folder.file(file))
            .engine
            .grants(GrantFilter::default())
            .unwrap();
        assert!(!grants.is_empty(), "{file}");
    }
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_half_made() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let fixture = fixture(&path);
    let taken = folder.file("taken");
    std::fs::write(&taken, "mine").unwrap();
    let error = fixture.engine.backup(&taken).unwrap_err();
    assert_eq!(error.status(), Status::ServerError);
    assert!(error.detail().unwrap().contains("exists"), "{error}");
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    assert!(
        fixture
            .engine
            .backup(folder.file("no/such/folder"))
            .is_err()
    );
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let memory = Fixture::new()
        .engine
        .backup(folder.file("copy"))
        .unwrap_err();
    assert_eq!(memory.status(), Status::StoreUnsupported);
}
