//! The verdict (DESIGN §1): its table against every small case, and whole lives of grants through the
//! engine against a model of a few lines. The properties, in words:
//!
//! - there are never two different live successors of one token;
//! - no interleaving of honest retries logs a client out;
//! - a token older than the window always revokes;
//! - a revoked grant never issues again;
//! - the absolute lifetime does not move with rotation;
//! - what another client presents changes nothing;
//! - a token that is newer than the record is refused, and changes nothing;
//! - or, where the policy accepts it, the grant goes on as if nothing had been lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use grantlet::store::{Key, Loaded, MemoryStore, Record, Store};
use grantlet::{
    Config, Details, Grant, GrantFilter, Leeway, Presented, RefreshPolicy, Refusal, Revocation,
    Scope, Status, Terms, Timestamp, Verdict, verdict,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::support::{APP_CALLBACK, Fixture, VERIFIER, tenant};

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// One case of the small model. Times are relative to the issue of the present generation.
#[derive(Clone, Copy, Debug)]
struct Case {
    g: u32,
    n: u32,
    age: u64,
    leeway: Leeway,
    rotation: bool,
    own: bool,
    revoked: bool,
    /// Past `expires_at` and `idle_until` of the record.
    expired: bool,
    idle: bool,
    /// Past the lifetime that the policy counts from the approval; `None`: it has no such.
    outlived: Option<bool>,
    refreshable: bool,
    accept_ahead: bool,
}

impl Case {
    fn verdict(self) -> Verdict {
        const APPROVED: u64 = 900;
        const ISSUED: u64 = 1_000;
        let now = ISSUED + self.age;
        // The first second of the end, or the last one before it.
        let end = |past: bool| if past { now } else { now + 1 };
        let terms = Terms {
            client_id: "mine".into(),
            audience: [].into(),
            scope: Scope::default(),
        };
        let mut grant = Grant::approved(
            Arc::new(terms),
            "alice".into(),
            None,
            Details::default(),
            self.refreshable,
            at(APPROVED),
            at(end(self.expired)),
        );
        grant.issued_at = at(ISSUED);
        grant.idle_until = at(end(self.idle));
        grant.generation = self.n;
        if self.revoked {
            grant = grant.revoke(Revocation::ByHost);
        }
        let presented = Presented {
            client_id: if self.own { "mine" } else { "theirs" },
            generation: self.g,
        };
        let policy = RefreshPolicy {
            rotation: self.rotation,
            leeway: self.leeway,
            token_lifetime: self
                .outlived
                .map(|past| u32::try_from(end(past) - APPROVED).unwrap()),
            dangerous_accept_ahead: self.accept_ahead,
            ..RefreshPolicy::default()
        };
        verdict(&grant, presented, at(now), &policy)
    }

    /// The table, row by row as DESIGN has it.
    fn rows(self) -> Vec<Verdict> {
        let (g, n) = (u64::from(self.g), u64::from(self.n));
        // What the backup has lost: the uses that moved `idle_until`, and, where the code was still out,
        // the redemption that replaced the code's end by the grant's.
        let ahead = g > n;
        let ended = match ahead && n == 0 {
            true => self.outlived == Some(true),
            false => self.expired,
        };
        let idle = self.idle && !ahead;
        let alive = self.own && !self.revoked && !ended && !idle;
        let catches_up = self.accept_ahead && self.refreshable;
        let inside = match self.leeway {
            Leeway::Seconds(secs) => self.age < u64::from(secs),
            // What is never rotated is never seen to be used.
            Leeway::UntilUsed => self.rotation,
        };
        let replay = g + 1 == n && g > 0 && inside;
        let own = self.own;
        let rows = [
            (
                alive && g == n && (self.rotation || g == 0),
                Verdict::Advance,
            ),
            (alive && g == n && g > 0 && !self.rotation, Verdict::Keep),
            (alive && replay, Verdict::Replay),
            (alive && g < n && !replay, Verdict::Reuse),
            (alive && ahead && catches_up, Verdict::CatchUp),
            (
                alive && ahead && !catches_up,
                Verdict::Refuse(Refusal::Ahead),
            ),
            (!own, Verdict::Refuse(Refusal::WrongClient)),
            (own && self.revoked, Verdict::Refuse(Refusal::Revoked)),
            (
                own && !self.revoked && ended,
                Verdict::Refuse(Refusal::Expired),
            ),
            (
                own && !self.revoked && !ended && idle,
                Verdict::Refuse(Refusal::Idle),
            ),
        ];
        rows.into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, verdict)| verdict)
            .collect()
    }
}

/// Each case with each of the values.
fn with<T: Copy, const N: usize>(
    cases: impl Iterator<Item = Case>,
    values: [T; N],
    set: impl Fn(&mut Case, T),
) -> impl Iterator<Item = Case> {
    cases.flat_map(move |case| {
        values.map(|value| {
            let mut case = case;
            set(&mut case, value);
            case
        })
    })
}

const ONE: Case = Case {
    g: 1,
    n: 2,
    age: 0,
    leeway: Leeway::Seconds(1),
    rotation: true,
    own: true,
    revoked: false,
    expired: false,
    idle: false,
    outlived: None,
    refreshable: true,
    accept_ahead: false,
};

fn every_case() -> impl Iterator<Item = Case> {
    const GENERATIONS: [u32; 7] = [0, 1, 2, 3, 4, u32::MAX - 1, u32::MAX];
    const LEEWAYS: [Leeway; 4] = [
        Leeway::Seconds(0),
        Leeway::Seconds(1),
        Leeway::Seconds(10),
        Leeway::UntilUsed,
    ];
    let cases = with(std::iter::once(ONE), GENERATIONS, |case, g| case.g = g);
    let cases = with(cases, GENERATIONS, |case, n| case.n = n);
    let cases = with(cases, LEEWAYS, |case, leeway| case.leeway = leeway);
    let cases = with(cases, [0, 1, 9, 10, 11, 1_000_000], |case, age| {
        case.age = age;
    });
    let flags = [false, true];
    let cases = with(cases, flags, |case, flag| case.rotation = flag);
    let cases = with(cases, flags, |case, flag| case.own = flag);
    let cases = with(cases, flags, |case, flag| case.revoked = flag);
    let cases = with(cases, flags, |case, flag| case.expired = flag);
    let cases = with(cases, flags, |case, flag| case.idle = flag);
    let cases = with(cases, [None, Some(false), Some(true)], |case, past| {
        case.outlived = past
    });
    let cases = with(cases, flags, |case, flag| case.refreshable = flag);
    with(cases, flags, |case, flag| case.accept_ahead = flag)
}

#[test]
fn every_small_case_is_in_exactly_one_row_of_the_table() {
    let mut seen = Vec::new();
    for case in every_case() {
        let verdict = case.verdict();
        assert_eq!(case.rows(), [verdict], "{case:?}");
        if !seen.contains(&verdict) {
            seen.push(verdict);
        }
    }
    assert_eq!(seen.len(), 10, "every row was met: {seen:?}");
}

#[test]
fn a_clock_that_was_set_back_logs_nobody_out() {
    let mut case = ONE;
    assert_eq!(case.verdict(), Verdict::Replay);
    case.leeway = Leeway::Seconds(0);
    assert_eq!(case.verdict(), Verdict::Reuse, "strict is strict");
}

/// What may happen in the life of a grant.
#[derive(Clone, Debug)]
enum Step {
    /// Present the code (0) or one of the refresh tokens seen so far, counted back from the newest.
    Present {
        back: usize,
        code: bool,
        own: bool,
    },
    Wait(u32),
    RevokeByClient,
    RevokeByHost,
    /// The store falls back to what it was after this many changes.
    Restore(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let present = |code, own| {
        // Mostly the newest tokens: there the table is fine.
        prop_oneof![14 => Just(0_usize), 9 => Just(1), 1 => 2..5_usize]
            .prop_map(move |back| Step::Present { back, code, own })
    };
    prop_oneof![
        48 => present(false, true),
        5 => present(false, false),
        1 => present(true, true),
        1 => present(true, false),
        16 => (1..=12_u32).prop_map(Step::Wait),
        1 => Just(Step::RevokeByClient),
        1 => Just(Step::RevokeByHost),
        6 => (0..6_usize).prop_map(Step::Restore),
    ]
}

fn policy() -> impl Strategy<Value = Value> {
    let leeway = prop_oneof![Just(json!(0)), Just(json!(5)), Just(json!("until_used"))];
    let lifetime = prop_oneof![Just(None), Just(Some(90_u32))];
    let idle = prop_oneof![Just(None), Just(Some(15_u32))];
    let flags = (prop::bool::weighted(0.7), any::<bool>());
    (flags, leeway, lifetime, idle).prop_map(|((rotates, accept_ahead), leeway, lifetime, idle)| {
        json!({
            "rotation_type": if rotates { "rotating" } else { "non-rotating" },
            "dangerous_public_without_rotation": true,
            "dangerous_accept_ahead": accept_ahead,
            "leeway": leeway,
            "token_lifetime": lifetime.unwrap_or(1),
            "infinite_token_lifetime": lifetime.is_none(),
            "idle_token_lifetime": idle.unwrap_or(1),
            "infinite_idle_token_lifetime": idle.is_none(),
        })
    })
}

/// What the model knows of the grant: the record in a few words. Times count from the approval.
#[derive(Clone, Copy, Debug)]
struct State {
    n: usize,
    issued_at: u64,
    idle_until: u64,
    revoked: bool,
}

/// Seconds that a code lives.
const CODE_LIFETIME: u64 = 60;

/// A grant in the engine, and the model beside it.
struct Life {
    fixture: Fixture,
    store: Arc<MemoryStore>,
    key: Key,
    code: String,
    rotates: bool,
    accept_ahead: bool,
    leeway: Option<u64>,
    idle: Option<u64>,
    expires_at: u64,
    now: u64,
    state: State,
    /// The text of each generation's refresh token, as first handed out.
    texts: BTreeMap<usize, String>,
    /// The record and the state after each change.
    history: Vec<(Record, State)>,
}

impl Life {
    fn new(policy: &Value) -> Self {
        let mut config = tenant();
        config["clients"][2]["refresh_token"] = policy.clone();
        let store = Arc::new(MemoryStore::new());
        let with_store = Arc::clone(&store);
        let fixture = Fixture::of(Config::from_value(config).unwrap(), |builder| {
            builder.store(with_store)
        });
        let code = fixture.app_code("read:notes offline_access");
        let grants = fixture.engine.grants(GrantFilter::default()).unwrap();
        let finite = |name: &str| {
            let infinite = policy[format!("infinite_{name}")] == true;
            policy[name].as_u64().filter(|_| !infinite)
        };
        let idle = finite("idle_token_lifetime");
        let mut life = Life {
            key: Key::parse(&grants[0].grant_id).unwrap(),
            fixture,
            store,
            code,
            rotates: policy["rotation_type"] == "rotating",
            accept_ahead: policy["dangerous_accept_ahead"] == true,
            leeway: policy["leeway"].as_u64(),
            idle,
            expires_at: finite("token_lifetime").unwrap_or(u64::MAX),
            now: 0,
            state: State {
                n: 0,
                issued_at: 0,
                idle_until: u64::MAX,
                revoked: false,
            },
            texts: BTreeMap::new(),
            history: Vec::new(),
        };
        // Backups are made while the code is out, too.
        life.remember();
        life.present(0, true).unwrap();
        life.remember();
        life
    }

    fn record(&self) -> Loaded {
        self.store.load(&self.key).unwrap().unwrap()
    }

    fn remember(&mut self) {
        self.history.push((self.record().record, self.state));
    }

    /// The status that the table gives, before anything changes.
    fn expected(&self, g: usize, own: bool) -> Status {
        let State {
            n,
            issued_at,
            idle_until,
            revoked,
        } = self.state;
        let inside = self.leeway.is_none_or(|secs| self.now - issued_at < secs);
        let end = if g == 0 && n == 0 {
            CODE_LIFETIME
        } else {
            self.expires_at
        };
        match () {
            () if !own => Status::InvalidGrantWrongClient,
            () if revoked => Status::InvalidGrantRevoked,
            () if self.now >= end => Status::InvalidGrantExpired,
            () if g > n && self.accept_ahead => Status::Ok,
            () if g > n => Status::InvalidGrantAhead,
            () if self.now >= idle_until => Status::InvalidGrantIdle,
            () if g == n || (g > 0 && g + 1 == n && inside) => Status::Ok,
            () => Status::InvalidGrantReused,
        }
    }

    fn present(&mut self, g: usize, own: bool) -> Result<(), TestCaseError> {
        let client = if own { "notes-app" } else { "notes-spa" };
        let answer = match g {
            0 => self.fixture.token(&[
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", &self.code),
                ("redirect_uri", APP_CALLBACK),
                ("code_verifier", VERIFIER),
            ]),
            g => self.fixture.token(&[
                ("grant_type", "refresh_token"),
                ("client_id", client),
                ("refresh_token", &self.texts[&g]),
            ]),
        };
        let before = self.history.last().unwrap().0.clone();
        let expected = self.expected(g, own);
        let status = answer
            .as_ref()
            .map_or_else(|error| error.status(), |_| Status::Ok);
        prop_assert_eq!(
            status,
            expected,
            "g = {}, {:?}, now = {}",
            g,
            self.state,
            self.now
        );
        match answer {
            Ok(tokens) => {
                if g >= self.state.n {
                    self.state.n = g;
                    self.state.idle_until = self.idle.map_or(u64::MAX, |secs| self.now + secs);
                    if self.rotates || g == 0 {
                        self.state.n += 1;
                        self.state.issued_at = self.now;
                    }
                }
                // Never two different live successors: what goes out is the text of the present
                // generation, and whoever gets it gets the same one.
                let text = tokens.refresh_token.unwrap().into_string();
                let first = self
                    .texts
                    .entry(self.state.n)
                    .or_insert_with(|| text.clone());
                prop_assert_eq!(&text, first);
            }
            Err(_) if expected == Status::InvalidGrantReused => {
                self.state.revoked = true;
                // What it had issued is dead with it.
            }
            // What is refused changes nothing.
            Err(_) => prop_assert_eq!(&self.record().record, &before),
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let newest = *self.texts.keys().last().unwrap();
        match *step {
            Step::Present {
                code: true, own, ..
            } => self.present(0, own)?,
            Step::Present { back, own, .. } => {
                self.present(newest.saturating_sub(back).max(1), own)?
            }
            Step::Wait(secs) => {
                self.now += u64::from(secs);
                self.fixture.clock.advance(secs);
            }
            Step::RevokeByClient => {
                let form = format!("client_id=notes-app&token={}", self.texts[&newest]);
                let request = grantlet::FormRequest {
                    form: &form,
                    authorization: None,
                };
                self.fixture.engine.revoke(request).unwrap();
                self.state.revoked = true;
            }
            Step::RevokeByHost => {
                let revoked = self
                    .fixture
                    .engine
                    .revoke_grant(&self.key.to_string())
                    .unwrap();
                prop_assert_eq!(revoked, !self.state.revoked);
                self.state.revoked = true;
            }
            Step::Restore(changes) => {
                let (record, state) = self.history[changes.min(self.history.len() - 1)].clone();
                // A backup that forgets a revocation or an older clock is not what is meant here.
                if self.state.revoked {
                    return Ok(());
                }
                let version = self.record().version;
                prop_assert!(self.store.swap(&self.key, version, record).unwrap());
                self.state = state;
            }
        }
        self.remember();
        let Record::Grant(grant) = self.record().record else {
            return Err(TestCaseError::fail("the grant is gone"));
        };
        prop_assert_eq!(usize::try_from(grant.generation).unwrap(), self.state.n);
        prop_assert_eq!(grant.revoked.is_some(), self.state.revoked);
        let code_is_out = self.state.n == 0 && !self.state.revoked;
        prop_assert_eq!(grant.code().is_some(), code_is_out);
        let start = crate::support::START;
        prop_assert_eq!(grant.issued_at, at(start + self.state.issued_at));
        let idle_until = at(start.saturating_add(self.state.idle_until));
        prop_assert_eq!(grant.idle_until, idle_until);
        match self.expires_at {
            _ if self.state.n == 0 => {
                prop_assert_eq!(grant.expires_at, at(start + CODE_LIFETIME));
            }
            u64::MAX => prop_assert_eq!(grant.expires_at, Timestamp::NEVER),
            secs => prop_assert_eq!(grant.expires_at, at(start + secs), "the absolute end moved"),
        }
        Ok(())
    }
}

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(96, 1))]

    #[test]
    fn a_grants_life_goes_as_the_table_says(policy in policy(), steps in prop::collection::vec(step(), 1..40)) {
        let mut life = Life::new(&policy);
        for step in &steps {
            life.step(step)?;
        }
        // A revoked grant never issues again, whatever is presented and however late.
        if life.state.revoked {
            for g in 0..=*life.texts.keys().last().unwrap() {
                life.present(g, true)?;
            }
        }
    }
}

/// What may happen between an honest client and the engine. An honest client presents the newest
/// token that it has, as often as it likes and at the same time; once it has the successor it waits
/// for, or gives up, what it still asks with the old one.
#[derive(Clone, Debug)]
enum Honest {
    /// A request goes on its way.
    Send,
    /// One on its way arrives and is answered.
    Arrive(usize),
    /// An answer reaches the client.
    Deliver(usize),
    /// A request on its way, or an answer, is lost.
    LoseRequest(usize),
    LoseAnswer(usize),
    Wait(u32),
}

fn honest() -> impl Strategy<Value = Honest> {
    prop_oneof![
        5 => Just(Honest::Send),
        5 => (0..4_usize).prop_map(Honest::Arrive),
        4 => (0..4_usize).prop_map(Honest::Deliver),
        1 => (0..4_usize).prop_map(Honest::LoseRequest),
        2 => (0..4_usize).prop_map(Honest::LoseAnswer),
        1 => (0..100_u32).prop_map(Honest::Wait),
    ]
}

proptest! {
    #![proptest_config(config(96, 2))]

    #[test]
    fn no_interleaving_of_honest_retries_logs_a_client_out(steps in prop::collection::vec(honest(), 1..60)) {
        let fixture = Fixture::with(|tenant| {
            tenant["clients"][2]["refresh_token"] = json!({"leeway": "until_used"});
        });
        let first = fixture.redeem(&fixture.app_code("read:notes offline_access")).unwrap();
        let mut held = first.refresh_token.unwrap();
        let mut on_the_way = Vec::new();
        let mut answers = Vec::new();
        for step in steps {
            match step {
                Honest::Send => on_the_way.push(held.clone()),
                Honest::Arrive(which) if which < on_the_way.len() => {
                    let answer = fixture.refresh(&on_the_way.remove(which));
                    prop_assert!(answer.is_ok(), "logged out: {:?}", answer);
                    answers.push((held.clone(), answer.unwrap().refresh_token.unwrap()));
                }
                Honest::Deliver(which) if which < answers.len() => {
                    let (asked_with, answer) = answers.remove(which);
                    if asked_with == held && answer != held {
                        held = answer;
                        on_the_way.clear();
                    }
                }
                Honest::LoseRequest(which) if which < on_the_way.len() => drop(on_the_way.remove(which)),
                Honest::LoseAnswer(which) if which < answers.len() => drop(answers.remove(which)),
                Honest::Wait(secs) => fixture.clock.advance(secs),
                _ => {}
            }
        }
        prop_assert!(fixture.refresh(&held).is_ok());
    }
}

#[test]
fn a_token_older_than_the_window_always_revokes() {
    for leeway in [json!(0), json!(10), json!("until_used")] {
        for back in 2..6 {
            let fixture = Fixture::with(|tenant| {
                tenant["clients"][2]["refresh_token"] = json!({"leeway": leeway});
            });
            let mut tokens = vec![fixture.sign_in()];
            for _ in 0..6 {
                let newest = tokens.last().unwrap().refresh_token.clone().unwrap();
                tokens.push(fixture.refresh(&newest).unwrap());
            }
            let old = tokens[tokens.len() - 1 - back]
                .refresh_token
                .as_deref()
                .unwrap();
            assert_eq!(
                fixture.refresh(old).unwrap_err().status(),
                Status::InvalidGrantReused
            );
            for tokens in &tokens {
                let text = tokens.refresh_token.as_deref().unwrap();
                assert_eq!(
                    fixture.refresh(text).unwrap_err().status(),
                    Status::InvalidGrantRevoked
                );
                let verified =
                    fixture
                        .engine
                        .verify(&tokens.access_token, crate::support::API, &[]);
                assert_eq!(verified.unwrap_err().status(), Status::InvalidTokenRevoked);
            }
        }
    }
}
