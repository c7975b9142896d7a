//! Processes work on one file and are killed, at any moment, again and again (SIGKILL). What they were
//! handed they note in journals of their own, as apps do; started again, they go on with that. Nobody is
//! ever logged out who should not be, nothing that was answered is lost, nothing revoked comes back.
//!
//! GRL_KILL_SECS says for how long; less than an hour, which is what access tokens live.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grantlet::{
    Config, Engine, Error, FormRequest, GrantFilter, GrantInfo, GrantState, Login, Secret, Status,
    TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::child::{Child, below, obey_the_leash};
use crate::support::folder::Folder;
use crate::support::history::{generation, grant_id, key_id};
use crate::support::{API, APP_CALLBACK, VERIFIER, app_query, changed, code, encode, tenant};

const WORKERS: usize = 3;
/// Each worker has so many threads, and each of these sessions of its own.
const THREADS: usize = 2;
const HOLDERS: usize = WORKERS * THREADS;
const OWN_SESSIONS: usize = 3;
/// An API whose tokens, and what is stored of them, end within a second.
const BRIEF: &str = "https://online.example.com/";

/// Beyond the time that was asked for.
const TOO_LONG: Duration = Duration::from_secs(300);

/// For the children: which one it is, where the files are, and how often keys rotate.
const CHILD: &str = "GRL_TEST_KILL_CHILD";

#[test]
fn whoever_is_killed_whenever_goes_on_with_the_token_that_it_holds() {
    let secs = std::env::var("GRL_KILL_SECS").map_or(4, |secs| secs.parse().unwrap());
    let folder = Folder::new();
    sign_in_to_shared_sessions(folder.path());
    let rotation_secs = (secs / 10).max(2);
    let worker = |number: usize| {
        let child = format!("{number} {rotation_secs} {}", folder.path().display());
        let log = folder.file(&format!("{number}.log"));
        Child::start("kill::a_worker", &[(CHILD, &child)], &log)
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(worker).collect();
    let (mut kills, end) = (0, Instant::now() + Duration::from_secs(secs));
    while Instant::now() < end || !is_enough(folder.path()) {
        let too_long = Instant::now() > end + TOO_LONG;
        assert!(!too_long, "nobody gets on: {}", workers[0].words());
        let micros = u64::try_from(2_000 + below(98_000)).unwrap();
        std::thread::sleep(Duration::from_micros(micros));
        // One of them; now and then all, so that the file is found with nobody at work.
        let one = below(WORKERS);
        let killed = match below(8) {
            0 => 0..WORKERS,
            _ => one..one + 1,
        };
        for worker in &mut workers[killed.clone()] {
            worker.kill();
            kills += 1;
        }
        for number in killed {
            workers[number] = worker(number);
        }
    }
    for worker in &mut workers {
        worker.kill();
        kills += 1;
    }
    let counts = check_at_the_end(folder.path());
    eprintln!("{kills} kills: {counts:?}");
}

/// Whether what matters has happened: on a machine that has much else to do, that takes longer.
fn is_enough(folder: &Path) -> bool {
    let mut counts = Counts::default();
    for number in 0..HOLDERS {
        counts.add(&Book::read(&journal(folder, number)).counts);
    }
    let lost = counts.recovered > 0 && counts.unheard > 0;
    lost && counts.shared > 0 && counts.revoked > 0
}

/// A worker: reads what it is to do from the environment; otherwise nothing.
#[test]
fn a_worker() {
    let Ok(child) = std::env::var(CHILD) else {
        return;
    };
    obey_the_leash();
    let parts: Vec<_> = child.splitn(3, ' ').collect();
    let (number, rotation_secs) = (
        parts[0].parse::<usize>().unwrap(),
        parts[1].parse().unwrap(),
    );
    let folder = Path::new(parts[2]);
    let engine = open(folder);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut holder = Holder::new(&engine, folder, number * THREADS + thread);
            scope.spawn(move || {
                holder.resume(false);
                loop {
                    holder.step(rotation_secs);
                }
            });
        }
    });
}

fn open(folder: &Path) -> Engine {
    let mut tenant = tenant();
    tenant["clients"][2]["refresh_token"] = json!({"leeway": "until_used"});
    tenant["apis"][1]["token_lifetime"] = 1.into();
    calm(|| {
        let config = Config::from_value(tenant.clone())?;
        Engine::open(config, folder.join("grants.db"), Secret::new([7; 32]))
    })
}

/// A session that an app and its extension share: each of two holders has its token from the start.
fn sign_in_to_shared_sessions(folder: &Path) {
    let engine = open(folder);
    for number in 0..WORKERS {
        let subject = format!("shared {number}");
        let tokens = sign_in(&engine, &subject, &app_query("read:notes offline_access"));
        for holder in (0..HOLDERS).filter(|&holder| shared(holder).0 == number) {
            let mut holder = Holder::new(&engine, folder, holder);
            holder.note(Entry::has(&subject, &tokens));
        }
    }
}

/// Which shared session a holder has, and which of its two sides it is.
fn shared(holder: usize) -> (usize, usize) {
    let (worker, thread) = (holder / THREADS, holder % THREADS);
    ((worker + WORKERS - thread) % WORKERS, thread)
}

/// Everything that the journals say holds of the store.
fn check_at_the_end(folder: &Path) -> Counts {
    let engine = open(folder);
    let mut holders: Vec<_> = (0..HOLDERS)
        .map(|number| Holder::new(&engine, folder, number))
        .collect();
    let mut listed: BTreeMap<String, Vec<GrantInfo>> = BTreeMap::new();
    for grant in calm(|| engine.grants(GrantFilter::default())) {
        listed.entry(grant.subject.clone()).or_default().push(grant);
    }
    let mut known = BTreeSet::new();
    for holder in &holders {
        for (subject, session) in &holder.book.sessions {
            known.insert(subject.clone());
            let grants = listed.get(subject).map_or(&[][..], |grants| grants);
            let states: Vec<_> = grants.iter().map(|grant| grant.state).collect();
            match session.stage {
                Stage::SigningIn | Stage::GivenUp => assert!(states.len() <= 1, "{subject}"),
                Stage::Live => assert_eq!(states, [GrantState::Active], "{subject}"),
                Stage::Revoking => assert_eq!(states.len(), 1, "{subject}"),
                Stage::Revoked => assert_eq!(states, [GrantState::Revoked], "{subject}"),
            }
        }
    }
    let unheard: Vec<_> = listed
        .keys()
        .filter(|subject| !known.contains(*subject))
        .collect();
    assert!(
        unheard.iter().all(|subject| subject.starts_with("brief")),
        "{unheard:?}"
    );
    let mut counts = Counts::default();
    for holder in &mut holders {
        holder.resume(true);
    }
    for _ in 0..2 {
        for holder in &mut holders {
            holder.refresh_all();
        }
    }
    for holder in &holders {
        counts.add(&holder.book.counts);
    }
    drop(holders);
    drop(engine);
    let conn = rusqlite::Connection::open(folder.join("grants.db")).unwrap();
    let check: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    counts
}

fn journal(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.journal"))
}

// ---- What an app keeps for itself ------------------------------------------------------------------

/// A line of a journal.
#[derive(Serialize, Deserialize)]
enum Entry {
    /// All that was noted before.
    Book(Book),
    SignsIn(String),
    Has {
        subject: String,
        token: String,
        access: String,
    },
    GivesUp(String),
    /// Is about to present the token that it holds.
    Presents(String),
    Got {
        subject: String,
        token: String,
    },
    /// Leaves a session as it is.
    Leaves(String),
    Revokes(String),
    Revoked(String),
    RotatesKeys(u64),
    /// The ids of all keys that are published.
    Keys(BTreeSet<String>),
    Counts(Counts),
}

impl Entry {
    fn has(subject: &str, tokens: &TokenResponse) -> Self {
        Entry::Has {
            subject: subject.into(),
            token: refresh_token(tokens).into(),
            access: tokens.access_token.to_string(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Stage {
    SigningIn,
    GivenUp,
    Live,
    Revoking,
    Revoked,
}

#[derive(Clone, Serialize, Deserialize)]
struct Session {
    stage: Stage,
    token: String,
    /// The first one, older than many a key.
    access: String,
    /// Whether the token was presented, and no answer noted.
    asked: bool,
}

/// What all lines together say.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Book {
    sessions: BTreeMap<String, Session>,
    /// Those of its own in use.
    own: Vec<String>,
    rotated_at: u64,
    keys: BTreeSet<String>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counts {
    resumed: usize,
    signed_in: usize,
    refreshed: usize,
    shared: usize,
    /// Answers that were lost, and given once more.
    recovered: usize,
    /// Questions that were lost.
    unheard: usize,
    revoked: usize,
    rotated: usize,
    swept: usize,
    busy: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        let Counts {
            resumed,
            signed_in,
            refreshed,
            shared,
            recovered,
            unheard,
            revoked,
            rotated,
            swept,
            busy,
        } = other;
        self.resumed += resumed;
        self.signed_in += signed_in;
        self.refreshed += refreshed;
        self.shared += shared;
        self.recovered += recovered;
        self.unheard += unheard;
        self.revoked += revoked;
        self.rotated += rotated;
        self.swept += swept;
        self.busy += busy;
    }
}

impl Book {
    fn read(journal: &Path) -> Self {
        let text = std::fs::read_to_string(journal).unwrap_or_default();
        let mut book = Book::default();
        // The last line may be cut short.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            book.apply(serde_json::from_str(line).unwrap());
        }
        book
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Book(book) => *self = book,
            Entry::SignsIn(subject) => {
                let session = Session {
                    stage: Stage::SigningIn,
                    token: String::new(),
                    access: String::new(),
                    asked: false,
                };
                self.sessions.insert(subject, session);
            }
            Entry::Has {
                subject,
                token,
                access,
            } => {
                let session = Session {
                    stage: Stage::Live,
                    token,
                    access,
                    asked: false,
                };
                self.sessions.insert(subject.clone(), session);
                if !subject.starts_with("shared") {
                    self.own.push(subject);
                }
            }
            Entry::GivesUp(subject) => self.session(&subject).stage = Stage::GivenUp,
            Entry::Presents(subject) => self.session(&subject).asked = true,
            Entry::Got { subject, token } => {
                let session = self.session(&subject);
                session.token = token;
                session.asked = false;
            }
            Entry::Leaves(subject) => self.own.retain(|own| *own != subject),
            Entry::Revokes(subject) => {
                self.session(&subject).stage = Stage::Revoking;
                self.own.retain(|own| *own != subject);
            }
            Entry::Revoked(subject) => self.session(&subject).stage = Stage::Revoked,
            Entry::RotatesKeys(at) => self.rotated_at = at,
            Entry::Keys(keys) => {
                self.keys = keys;
                self.counts.rotated += 1;
            }
            Entry::Counts(counts) => self.counts = counts,
        }
    }

    fn session(&mut self, subject: &str) -> &mut Session {
        self.sessions.get_mut(subject).unwrap()
    }
}

// ---- Those who hold tokens -------------------------------------------------------------------------

struct Holder<'a> {
    engine: &'a Engine,
    number: usize,
    book: Book,
    journal: File,
    /// What this side of the shared session has, and what the other side has: a token in each line.
    shared: [PathBuf; 2],
}

impl<'a> Holder<'a> {
    /// Who it was when the journal ended; the journal then begins with that.
    fn new(engine: &'a Engine, folder: &Path, number: usize) -> Self {
        let path = journal(folder, number);
        let book = Book::read(&path);
        let new = path.with_extension("new");
        let line = serde_json::to_string(&Entry::Book(book.clone())).unwrap() + "\n";
        std::fs::write(&new, line).unwrap();
        std::fs::rename(&new, &path).unwrap();
        let journal = OpenOptions::new().append(true).open(&path).unwrap();
        let (session, side) = shared(number);
        let file = |side| folder.join(format!("shared {session}.{side}"));
        Holder {
            engine,
            number,
            book,
            journal,
            shared: [file(side), file(1 - side)],
        }
    }

    fn note(&mut self, entry: Entry) {
        let line = serde_json::to_string(&entry).unwrap() + "\n";
        self.journal.write_all(line.as_bytes()).unwrap();
        self.book.apply(entry);
    }

    /// Finds everything as it was left, whatever that was; of old sessions some, or all.
    fn resume(&mut self, all: bool) {
        self.book.counts.resumed += 1;
        // None is forgotten as long as a token of it may be out.
        assert!(keys(self.engine).is_superset(&self.book.keys));
        let (mut old, shared) = (0, self.shared_session());
        for (subject, session) in self.book.sessions.clone().into_iter().rev() {
            if session.stage == Stage::SigningIn {
                self.note(Entry::GivesUp(subject));
                continue;
            }
            if session.stage == Stage::GivenUp {
                continue;
            }
            let in_use = subject == shared || self.book.own.contains(&subject);
            old += usize::from(!in_use && !session.asked);
            if !(all || in_use || session.asked || old < 5) {
                continue;
            }
            match session.stage {
                Stage::Revoking => self.revoke(&subject),
                Stage::Revoked => self.check_revoked(&session),
                _ => self.check_live(&subject, &session),
            }
        }
        self.tell_the_other_side();
        self.note(Entry::Counts(self.book.counts));
    }

    /// Every session goes on that was not revoked, old ones too.
    fn refresh_all(&mut self) {
        let shared = self.shared_session();
        for (subject, session) in self.book.sessions.clone() {
            match session.stage {
                Stage::Live if subject == shared => self.refresh_shared(),
                Stage::Live => self.refresh(&subject),
                _ => {}
            }
        }
    }

    /// The record is where the journal says; then an answer that is missing is asked for again.
    fn check_live(&mut self, subject: &str, session: &Session) {
        let held = generation(&session.token);
        let grant = calm(|| self.engine.grant(&grant_id(&session.token))).unwrap();
        assert_eq!(grant.state, GrantState::Active, "{subject}");
        // One ahead of who did not note an answer, or has not asked yet for what the other side has.
        let ahead = grant.generation.checked_sub(held);
        match session.asked || subject == self.shared_session() {
            true => assert!(matches!(ahead, Some(0 | 1)), "{subject}: {held}, {grant:?}"),
            false => assert_eq!(ahead, Some(0), "{subject}: {held}, {grant:?}"),
        }
        calm(|| self.engine.verify(&session.access, API, &[]));
        if session.asked {
            match grant.generation == held {
                true => self.book.counts.unheard += 1,
                false => self.book.counts.recovered += 1,
            }
            self.refresh(subject);
        }
    }

    fn check_revoked(&self, session: &Session) {
        let refused = again(|| refresh(self.engine, &session.token)).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidGrantRevoked, "{refused}");
        let refused = again(|| self.engine.verify(&session.access, API, &[])).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidTokenRevoked, "{refused}");
    }

    /// Something of what apps do.
    fn step(&mut self, rotation_secs: u64) {
        let own = self.book.own.clone();
        if own.len() < OWN_SESSIONS {
            return self.sign_in();
        }
        let subject = &own[below(own.len())];
        match below(1000) {
            0..=549 => self.refresh(subject),
            550..=869 => self.refresh_shared(),
            870..=880 => self.revoke(subject),
            881..=884 => self.note(Entry::Leaves(subject.clone())),
            885..=949 => self.sign_in_briefly(),
            950..=984 => {
                self.book.counts.swept += calm(|| self.engine.sweep(20));
            }
            _ => self.rotate_keys(rotation_secs),
        }
        if below(20) == 0 {
            self.note(Entry::Counts(self.book.counts));
        }
    }

    fn sign_in(&mut self) {
        let subject = format!("{}.{:06}", self.number, self.book.sessions.len());
        self.note(Entry::SignsIn(subject.clone()));
        let query = app_query("read:notes offline_access");
        let tokens = sign_in(self.engine, &subject, &query);
        self.note(Entry::has(&subject, &tokens));
        self.book.counts.signed_in += 1;
    }

    /// What is stored of it can be swept a moment later.
    fn sign_in_briefly(&mut self) {
        let query = changed(&app_query("read:stars"), &[("audience", BRIEF)]);
        sign_in(self.engine, &format!("brief {}", self.number), &query);
    }

    /// Presents the token that it holds, which gives the next one, whatever became of the last answer.
    fn refresh(&mut self, subject: &str) {
        self.note(Entry::Presents(subject.into()));
        let held = self.book.sessions[subject].token.clone();
        let mut tries = 0;
        let tokens = calm(|| {
            tries += 1;
            refresh(self.engine, &held)
        });
        let token = refresh_token(&tokens);
        assert_eq!(grant_id(token), grant_id(&held), "{subject}");
        assert_eq!(generation(token), generation(&held) + 1, "{subject}");
        self.note(Entry::Got {
            subject: subject.into(),
            token: token.into(),
        });
        self.book.counts.refreshed += 1;
        self.book.counts.busy += tries - 1;
    }

    fn shared_session(&self) -> String {
        format!("shared {}", shared(self.number).0)
    }

    /// Presents the shared token, as the other side may be doing at this moment. It is not used before
    /// both have it.
    fn refresh_shared(&mut self) {
        let subject = self.shared_session();
        let held = generation(&self.book.sessions[&subject].token);
        if self
            .other_side()
            .is_none_or(|theirs| generation(&theirs) < held)
        {
            return;
        }
        self.refresh(&subject);
        self.tell_the_other_side();
        self.book.counts.shared += 1;
        let (mine, Some(theirs)) = (&self.book.sessions[&subject].token, self.other_side()) else {
            return;
        };
        if generation(mine) == generation(&theirs) && key_id(mine) == key_id(&theirs) {
            assert_eq!(*mine, theirs, "two successors");
        }
    }

    fn tell_the_other_side(&self) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.shared[0])
            .unwrap();
        // A line of its own, even if the last one was cut short.
        let line = format!("\n{}\n", self.book.sessions[&self.shared_session()].token);
        file.write_all(line.as_bytes()).unwrap();
    }

    fn other_side(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.shared[1]).unwrap_or_default();
        let lines = text.split_inclusive('\n').rev();
        let whole = lines.filter_map(|line| line.strip_suffix('\n'));
        whole
            .filter(|line| line.len() == 82)
            .map(str::to_owned)
            .next()
    }

    fn revoke(&mut self, subject: &str) {
        self.note(Entry::Revokes(subject.into()));
        let token = self.book.sessions[subject].token.clone();
        match below(2) {
            0 => drop(calm(|| self.engine.revoke_grant(&grant_id(&token)))),
            _ => {
                let form = encode(&[("client_id", "notes-app"), ("token", &token)]);
                calm(|| self.engine.revoke(request(&form)));
            }
        }
        self.note(Entry::Revoked(subject.into()));
        self.book.counts.revoked += 1;
        self.check_revoked(&self.book.sessions[subject].clone());
    }

    /// Not so often that somebody could not have heard of the last time.
    fn rotate_keys(&mut self, rotation_secs: u64) {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        if self.number == 0 && now > self.book.rotated_at + rotation_secs {
            self.note(Entry::RotatesKeys(now));
            calm(|| self.engine.rotate_keys());
            self.note(Entry::Keys(keys(self.engine)));
        }
    }
}

fn sign_in(engine: &Engine, subject: &str, query: &str) -> TokenResponse {
    let pending = calm(|| engine.authorize(query).map_err(|refused| refused.error));
    let code = code(&calm(|| engine.approve(&pending, &Login::new(subject))));
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    calm(|| engine.token(request(&form)))
}

fn refresh(engine: &Engine, token: &str) -> Result<TokenResponse, Error> {
    let form = encode(&[
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        ("refresh_token", token),
    ]);
    engine.token(request(&form))
}

fn request(form: &str) -> FormRequest<'_> {
    FormRequest {
        form,
        authorization: None,
    }
}

fn keys(engine: &Engine) -> BTreeSet<String> {
    let keys = &engine.jwks()["keys"];
    let ids = keys.as_array().unwrap().iter().map(|key| &key["kid"]);
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn refresh_token(tokens: &TokenResponse) -> &str {
    tokens.refresh_token.as_deref().unwrap()
}

/// Asks again where the answer is to do that.
fn again<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(error) if error.status() == Status::TemporarilyUnavailable => {}
            done => return done,
        }
    }
}

/// The same, and nothing else goes wrong.
fn calm<T>(call: impl FnMut() -> Result<T, Error>) -> T {
    again(call).unwrap()
}
