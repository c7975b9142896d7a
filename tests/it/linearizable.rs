//! Threads of several processes hammer a few grants of one file through the C ABI. What each call was
//! answered is recorded with a clock that they share, and for each grant there has to be an order of the
//! calls in which the table of DESIGN §1 gives exactly these answers ([`crate::support::history`]).
//!
//! GRL_HAMMER_SECS says for how long.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use grantlet::Status;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::abi::{Abi, Timed, now};
use crate::support::board::{Board, GENERATIONS, OVER, PLACES, Place};
use crate::support::child::{Child, below, obey_the_leash};
use crate::support::folder::Folder;
use crate::support::history::{APPROVED, Call, Op, Outcome, Policy, State, generation, grant_id};
use crate::support::{API, VERIFIER, WEB_CALLBACK, WEB_SECRET, app_query, changed, encode, tenant};

const PROCESSES: usize = 3;
const THREADS: usize = 4;
const HANDS: usize = PROCESSES * THREADS;
/// The grants of a round: one of each policy that is used with care, and a wild one.
const WILD: usize = PLACES - 1;
/// What each hand does in a round with the wild grant, and then with the others.
const WILD_CALLS: usize = 6;
const CALLS: usize = 50;
const MIN_ROUNDS: usize = 3;
/// Each call may bring forth a generation, or two.
const _: () = assert!(GENERATIONS > HANDS * 2 * (WILD_CALLS + CALLS));

/// In nanoseconds: how often keys rotate.
const ROTATION: u64 = 10 * 1_000_000_000;
/// In nanoseconds: a call that takes so long never ends.
const TOO_LONG: u64 = 300 * 1_000_000_000;

/// For the children: where the files are, and when the last round begins.
const CHILD: &str = "GRL_TEST_HAMMER_CHILD";
const DEADLINE: &str = "GRL_TEST_HAMMER_DEADLINE";

#[test]
fn what_processes_and_threads_are_answered_has_an_order_in_which_the_table_says_it() {
    let secs = std::env::var("GRL_HAMMER_SECS").map_or(3, |secs| secs.parse().unwrap());
    let folder = Folder::new();
    Board::create(&folder.file("board"));
    let deadline = now() + secs * 1_000_000_000;
    let deadline_text = deadline.to_string();
    let folder_path = folder.path().to_str().unwrap();
    let mut children: Vec<Child> = (0..PROCESSES)
        .map(|number| {
            let child = format!("{number} {folder_path}");
            let variables = [(CHILD, &*child), (DEADLINE, &*deadline_text)];
            let log = folder.file(&format!("{number}.log"));
            Child::start("linearizable::a_process_of_the_hammer", &variables, &log)
        })
        .collect();
    while !children.is_empty() {
        children.retain_mut(|child| match child.ended() {
            Some(status) => {
                assert!(status.success(), "{status}: {}", child.words());
                false
            }
            None => {
                assert!(now() < deadline + TOO_LONG, "hangs: {}", child.words());
                true
            }
        });
        std::thread::sleep(Duration::from_millis(5));
    }
    let histories = histories(&folder);
    let mut kinds = BTreeMap::new();
    for (&(round, place), calls) in &histories {
        let policy = policy_of(round, place);
        let order = policy.order(calls).unwrap_or_else(|best| {
            let story = story(policy, calls, &best);
            panic!("round {round}, grant {place} ({policy:?}): no order explains it\n{story}")
        });
        let mut state = APPROVED;
        for call in order.into_iter().map(|number| &calls[number]) {
            let after = policy.after(state, call).unwrap();
            *kinds.entry(kind(policy, state, call)).or_insert(0) += 1;
            state = after;
        }
    }
    let calls: usize = histories.values().map(Vec::len).sum();
    let grants = histories.len();
    eprintln!(
        "{calls} calls by {PROCESSES} processes of {THREADS} threads on {grants} grants: {kinds:?}"
    );
    for kind in KINDS {
        let happened = kinds.contains_key(kind);
        assert!(happened, "nothing of the kind '{kind}': {kinds:?}");
    }
}

/// What all hands have recorded of each grant: its round, and its place in that.
fn histories(folder: &Folder) -> BTreeMap<(usize, usize), Vec<Call>> {
    let mut histories: BTreeMap<_, Vec<Call>> = BTreeMap::new();
    for number in 0..PROCESSES {
        let text = std::fs::read_to_string(folder.file(&format!("{number}.history"))).unwrap();
        for line in text.lines() {
            let Recorded { round, place, call } = serde_json::from_str(line).unwrap();
            histories.entry((round, place)).or_default().push(call);
        }
    }
    histories
}

/// A child of the hammer: reads what it is to do from the environment; otherwise nothing.
#[test]
fn a_process_of_the_hammer() {
    let Ok(child) = std::env::var(CHILD) else {
        return;
    };
    obey_the_leash();
    let (number, folder) = child.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let folder = Path::new(folder);
    let deadline = std::env::var(DEADLINE).unwrap().parse().unwrap();
    let board = Board::map(&folder.join("board"));
    let abi = open(folder);
    let recorded = std::thread::scope(|scope| {
        let hands = (0..THREADS).map(|thread| {
            let mut hand = Hand::new(&abi, board, number * THREADS + thread, deadline);
            scope.spawn(move || {
                hand.work();
                hand.recorded
            })
        });
        let hands: Vec<_> = hands.collect();
        let recorded = hands.into_iter().map(|hand| hand.join().unwrap());
        recorded.collect::<Vec<_>>().concat()
    });
    let lines: String = recorded
        .iter()
        .map(|recorded| serde_json::to_string(recorded).unwrap() + "\n")
        .collect();
    std::fs::write(folder.join(format!("{number}.history")), lines).unwrap();
}

fn open(folder: &Path) -> Abi {
    let mut config = tenant();
    config["store"] = json!({"sqlite": folder.join("grants.db")});
    config["keys"] = json!({"sealing": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"});
    config["clients"][0]["refresh_token"] = json!({"leeway": "until_used"});
    config["clients"][2]["refresh_token"] = json!({"leeway": 0});
    config["clients"][3]["refresh_token"] =
        json!({"rotation_type": "non-rotating", "dangerous_public_without_rotation": true});
    Abi::new(&config.to_string())
}

/// A call, and on which of a round's grants.
#[derive(Clone, Serialize, Deserialize)]
struct Recorded {
    round: usize,
    place: usize,
    call: Call,
}

fn policy_of(round: usize, place: usize) -> Policy {
    let all = [Policy::UntilUsed, Policy::Strict, Policy::Still];
    match place {
        WILD => all[round % all.len()],
        place => all[place],
    }
}

/// All that has to happen in a run, or it proves little.
const KINDS: [&str; 20] = [
    "redeemed",
    "rotated",
    "kept",
    "replayed",
    "reused",
    "refused: revoked",
    "refused: other client",
    "refused: verifier",
    "refused: no room",
    "revoked by the host",
    "revoked by the host again",
    "revoked by the client",
    "not revoked by another client",
    "seen live",
    "seen revoked",
    "verified",
    "not verified",
    "active",
    "not active",
    "revoked by the client again",
];

fn kind(policy: Policy, before: State, call: &Call) -> &'static str {
    match (call.op, call.outcome) {
        (_, Outcome::Unavailable) => "unavailable",
        (Op::Present(0), Outcome::Got(_)) => "redeemed",
        (_, Outcome::Got(g)) if g > before.generation => "rotated",
        (_, Outcome::Got(_)) if policy == Policy::Still => "kept",
        (_, Outcome::Got(_)) => "replayed",
        (_, Outcome::Reused) => "reused",
        (_, Outcome::Revoked) => "refused: revoked",
        (_, Outcome::WrongClient) => "refused: other client",
        (_, Outcome::Unverified) => "refused: verifier",
        (_, Outcome::NoRoom) => "refused: no room",
        (_, Outcome::Ahead) => "refused: ahead",
        (Op::Revoke, Outcome::Was(true)) => "revoked by the host",
        (Op::Revoke, _) => "revoked by the host again",
        (Op::RevokeByClient, _) if before.revoked => "revoked by the client again",
        (Op::RevokeByClient, _) => "revoked by the client",
        (Op::RevokeByOther, _) => "not revoked by another client",
        (_, Outcome::Saw(_, false)) => "seen live",
        (_, Outcome::Saw(_, true)) => "seen revoked",
        (Op::Verify, Outcome::Was(true)) => "verified",
        (Op::Verify, _) => "not verified",
        (_, Outcome::Was(true)) => "active",
        (_, Outcome::Was(false) | Outcome::Done) => "not active",
    }
}

/// The end of the longest order that fits, and what came next and does not.
fn story(policy: Policy, calls: &[Call], best: &[usize]) -> String {
    let mut text = String::new();
    let mut state = APPROVED;
    let since = calls.iter().map(|call| call.start).min().unwrap();
    let line = |call: &Call| {
        let (start, end) = ((call.start - since) / 1000, (call.end - since) / 1000);
        let Call {
            lane, op, outcome, ..
        } = call;
        format!("{start:>8}..{end:>8} µs, hand {lane:>2}: {op:?} -> {outcome:?}")
    };
    for (at, &number) in best.iter().enumerate() {
        state = policy.after(state, &calls[number]).unwrap();
        if at + 15 >= best.len() {
            text += &format!("{}  now {state:?}\n", line(&calls[number]));
        }
    }
    let mut left: Vec<_> = (0..calls.len())
        .filter(|number| !best.contains(number))
        .collect();
    left.sort_by_key(|&number| calls[number].start);
    text += "and then, in no order:\n";
    for number in left.into_iter().take(HANDS + 3) {
        text += &format!("{}\n", line(&calls[number]));
    }
    text
}

// ---- The hands -------------------------------------------------------------------------------------

/// A thread of a process, which uses grants.
struct Hand<'a> {
    abi: &'a Abi,
    board: &'a Board,
    lane: usize,
    deadline: u64,
    round: usize,
    /// An access token of each grant.
    access: [Option<String>; PLACES],
    recorded: Vec<Recorded>,
}

impl<'a> Hand<'a> {
    fn new(abi: &'a Abi, board: &'a Board, lane: usize, deadline: u64) -> Self {
        Hand {
            abi,
            board,
            lane,
            deadline,
            round: 0,
            access: Default::default(),
            recorded: Vec::new(),
        }
    }

    fn work(&mut self) {
        let mut rotated_at = 0;
        while self.next_round() {
            for _ in 0..WILD_CALLS {
                self.be_wild(WILD);
            }
            // Not so often that a process could not have heard of the last time.
            if self.lane == 0 && now() > rotated_at + ROTATION {
                done_or_busy(self.abi.rotate_keys());
                rotated_at = now();
            }
            for done in 0..CALLS {
                let place = below(WILD);
                // Every other round the grants live to its end, and in the beginning of each.
                let wild = if !self.round.is_multiple_of(2) {
                    0
                } else if done * 5 < CALLS * 3 {
                    2
                } else {
                    20
                };
                match below(1000) < wild {
                    true => self.be_wild(place),
                    false => self.be_careful(place),
                }
            }
        }
    }

    fn place(&self, place: usize) -> &'a Place {
        &self.board.places[place]
    }

    fn policy(&self, place: usize) -> Policy {
        policy_of(self.round, place)
    }

    /// What may well end the grant.
    fn be_wild(&mut self, place: usize) {
        let newest = self.place(place).newest();
        match below(10) {
            0..=3 => drop(self.present(place, newest)),
            4 => drop(self.present(place, newest.saturating_sub(1))),
            5 => drop(self.present(place, up_to(newest))),
            6 => drop(self.present(place, 0)),
            7 => self.present_unverified(place),
            _ if newest == 0 => drop(self.present(place, 0)),
            8 => self.revoke_by_host(place),
            _ => self.revoke_by_client(place, newest),
        }
    }

    /// What leaves it alive, if nobody else is wild.
    fn be_careful(&mut self, place: usize) {
        match below(100) {
            0..=49 => self.use_it(place, 1),
            // As if the answer had been lost.
            50..=69 => self.use_it(place, 2),
            70..=76 => self.look(place),
            77..=84 => self.verify(place),
            85..=89 => self.introspect(place),
            90..=92 => self.present_by_other(place),
            93..=94 => self.revoke_by_other(place),
            95..=98 => self.use_without_room(place),
            _ => self.sweep(),
        }
    }

    /// Presents the newest, together with whoever does at this moment; nobody uses what comes of it
    /// before all have their answers.
    fn use_it(&mut self, place: usize, times: usize) {
        let Some(g) = self.enter(place) else {
            return self.look(place);
        };
        let again = g > 0 && self.policy(place) != Policy::Strict;
        let mut moved = false;
        for _ in 0..if again { times } else { 1 } {
            moved |= self.present(place, g) == Outcome::Got(g + 1);
        }
        self.place(place).leave(moved);
    }

    fn use_without_room(&mut self, place: usize) {
        let Some(g) = self.enter(place) else {
            return self.look(place);
        };
        let form = self.token_form(place, g, self.policy(place), VERIFIER);
        let timed = self.abi.token_into(&form, &mut [0; 100]);
        self.record(place, Op::PresentWithoutRoom(g), timed, |_| {
            panic!("100 bytes were enough")
        });
        self.place(place).leave(false);
    }

    /// Waits a little until the newest token may be presented. One that nobody may race for is presented
    /// by one hand at a time.
    fn enter(&self, place: usize) -> Option<u32> {
        let strict = self.policy(place) == Policy::Strict;
        for _ in 0..30 {
            if let Some(g) = self.place(place).enter(strict) {
                return Some(g);
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        None
    }

    fn present(&mut self, place: usize, g: u32) -> Outcome {
        let form = self.token_form(place, g, self.policy(place), VERIFIER);
        let mut buffer = [0; 4096];
        let timed = match below(2) {
            0 => self.abi.token(&form),
            _ => self.abi.token_into(&form, &mut buffer),
        };
        let mut got = None;
        let outcome = self.record(place, Op::Present(g), timed, |answer| {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let [access, refresh] = ["access_token", "refresh_token"]
                .map(|name| answer[name].as_str().unwrap().to_owned());
            let generation = generation(&refresh);
            got = Some((generation, access, refresh));
            Outcome::Got(generation)
        });
        if let Some((generation, access, refresh)) = got {
            assert_eq!(grant_id(&refresh), self.grant_id(place));
            self.place(place).put(generation, &refresh);
            self.access[place] = Some(access);
        }
        outcome
    }

    fn present_unverified(&mut self, place: usize) {
        let form = self.token_form(place, 0, self.policy(place), &VERIFIER.replace('d', "D"));
        let timed = self.abi.token(&form);
        self.record(place, Op::PresentUnverified, timed, |_| {
            panic!("the verifier is wrong")
        });
    }

    fn present_by_other(&mut self, place: usize) {
        let g = self.place(place).newest();
        let form = self.token_form(place, g, other(self.policy(place)), VERIFIER);
        let timed = self.abi.token(&form);
        self.record(place, Op::PresentByOther(g), timed, |_| {
            panic!("it is another client's")
        });
    }

    /// By its id, or by its user.
    fn revoke_by_host(&mut self, place: usize) {
        let timed = match below(2) {
            0 => self.abi.revoke_grant(&self.grant_id(place)),
            _ => self.abi.revoke_grants(&subject(self.round, place)),
        };
        self.record(place, Op::Revoke, timed, |revoked| {
            Outcome::Was(revoked == 1)
        });
    }

    fn revoke_by_client(&mut self, place: usize, g: u32) {
        let form = self.form(self.policy(place), &[("token", &self.text(place, g))]);
        let timed = self.abi.revoke(&form);
        self.record(place, Op::RevokeByClient, timed, |()| Outcome::Done);
    }

    fn revoke_by_other(&mut self, place: usize) {
        let token = self.text(place, self.place(place).newest());
        let form = self.form(other(self.policy(place)), &[("token", &token)]);
        let timed = self.abi.revoke(&form);
        self.record(place, Op::RevokeByOther, timed, |()| Outcome::Done);
    }

    /// By its id, or in the list of its user's.
    fn look(&mut self, place: usize) {
        let timed = match below(2) {
            0 => self.abi.grant(&self.grant_id(place)),
            _ => self.abi.grants(&subject(self.round, place)),
        };
        self.record(place, Op::Look, timed, |answer| {
            let grant: Value = serde_json::from_str(&answer).unwrap();
            let grant = match grant.as_array() {
                Some(grants) => {
                    assert_eq!(grants.len(), 1, "{grants:?}");
                    &grants[0]
                }
                None => &grant,
            };
            let generation = grant["generation"].as_u64().unwrap();
            let revoked = grant["state"] == "revoked";
            Outcome::Saw(u32::try_from(generation).unwrap(), revoked)
        });
    }

    fn verify(&mut self, place: usize) {
        let Some(access) = &self.access[place] else {
            return self.look(place);
        };
        let timed = self.abi.verify(access, API);
        self.record(place, Op::Verify, timed, |_| Outcome::Was(true));
    }

    /// Only a client that has a secret may ask.
    fn introspect(&mut self, place: usize) {
        let newest = self.place(place).newest();
        let g = newest.saturating_sub(up_to(2));
        if g == 0 || self.policy(place) != Policy::UntilUsed {
            return self.look(place);
        }
        let form = self.form(Policy::UntilUsed, &[("token", &self.text(place, g))]);
        let timed = self.abi.introspect(&form);
        self.record(place, Op::Introspect(g), timed, |answer| {
            Outcome::Was(answer.contains("\"active\":true"))
        });
    }

    /// Nothing here has ended so long ago that it may go.
    fn sweep(&self) {
        assert!(matches!(done_or_busy(self.abi.sweep(10)), None | Some(0)));
    }

    fn record<T>(
        &mut self,
        place: usize,
        op: Op,
        timed: Timed<T>,
        outcome: impl FnOnce(T) -> Outcome,
    ) -> Outcome {
        let outcome = match timed.result {
            Ok(answer) => outcome(answer),
            Err((status, detail)) => match status {
                Status::InvalidGrantReused => Outcome::Reused,
                Status::InvalidGrantRevoked => Outcome::Revoked,
                Status::InvalidGrantWrongClient => Outcome::WrongClient,
                Status::InvalidGrantVerifier => Outcome::Unverified,
                Status::InvalidGrantAhead => Outcome::Ahead,
                Status::BufferTooSmall => Outcome::NoRoom,
                Status::InvalidTokenRevoked => Outcome::Was(false),
                Status::TemporarilyUnavailable => Outcome::Unavailable,
                status => panic!("{op:?}: {status:?} ({detail})"),
            },
        };
        self.recorded.push(Recorded {
            round: self.round,
            place,
            call: Call {
                lane: self.lane,
                start: timed.start,
                end: timed.end,
                op,
                outcome,
            },
        });
        outcome
    }

    fn text(&self, place: usize, g: u32) -> String {
        self.place(place)
            .text(g)
            .expect("only what is there is presented")
    }

    fn grant_id(&self, place: usize) -> String {
        grant_id(&self.text(place, 0))
    }

    fn token_form(&self, place: usize, g: u32, by: Policy, verifier: &str) -> String {
        let text = self.text(place, g);
        let callback = callback(self.policy(place));
        match g {
            0 => self.form(
                by,
                &[
                    ("grant_type", "authorization_code"),
                    ("code", &text),
                    ("redirect_uri", callback),
                    ("code_verifier", verifier),
                ],
            ),
            _ => self.form(
                by,
                &[("grant_type", "refresh_token"), ("refresh_token", &text)],
            ),
        }
    }

    /// A form of the client that has this policy.
    fn form(&self, by: Policy, fields: &[(&str, &str)]) -> String {
        let secret = match by {
            Policy::UntilUsed => &[("client_secret", WEB_SECRET)][..],
            Policy::Strict | Policy::Still => &[],
        };
        encode(&[fields, &[("client_id", client(by))], secret].concat())
    }

    /// Waits for all others; the last one ends the round and prepares the next, if there is time for it.
    fn next_round(&mut self) -> bool {
        let board = self.board;
        if board.arrived.fetch_add(1, Ordering::AcqRel) + 1 == HANDS {
            if self.round > 0 {
                self.end_round();
            }
            let next = match self.round < MIN_ROUNDS || now() < self.deadline {
                true => self.round + 1,
                false => OVER,
            };
            if next != OVER {
                self.round = next;
                self.begin_round();
            }
            board.arrived.store(0, Ordering::Relaxed);
            board.round.store(next, Ordering::Release);
        } else {
            while board.round.load(Ordering::Acquire) == self.round {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        self.round = board.round.load(Ordering::Acquire);
        self.access = Default::default();
        self.round != OVER
    }

    fn begin_round(&mut self) {
        for place in 0..PLACES {
            self.place(place).empty();
            let policy = self.policy(place);
            let asked = [
                ("client_id", client(policy)),
                ("redirect_uri", callback(policy)),
            ];
            let query = changed(&app_query("read:notes offline_access"), &asked);
            let code = self.abi.sign_in(&query, &subject(self.round, place));
            self.place(place).put(0, &code);
            self.present_unverified(place);
        }
        // Sometimes they race for the code, sometimes for a token.
        if below(2) == 0 {
            self.present(WILD, 0);
        }
    }

    /// Whatever became of a grant, it is seen to its end.
    fn end_round(&mut self) {
        for place in 0..PLACES {
            self.look(place);
            if self.place(place).newest() == 0 {
                self.present(place, 0);
            }
            let newest = self.place(place).newest();
            match (self.round / 2 + place) % 2 {
                0 => self.revoke_by_host(place),
                _ => self.revoke_by_client(place, newest),
            }
            self.present(place, newest);
            self.verify(place);
            self.revoke_by_client(place, newest);
            self.revoke_by_host(place);
            self.look(place);
        }
    }
}

/// What it did, unless it was told to try again.
fn done_or_busy<T>(timed: Timed<T>) -> Option<T> {
    match timed.result {
        Err((Status::TemporarilyUnavailable, _)) => None,
        done => Some(done.unwrap()),
    }
}

fn client(policy: Policy) -> &'static str {
    match policy {
        Policy::UntilUsed => "notes-web",
        Policy::Strict => "notes-app",
        Policy::Still => "notes-spa",
    }
}

fn callback(policy: Policy) -> &'static str {
    match policy {
        Policy::UntilUsed => WEB_CALLBACK,
        Policy::Strict => "com.example.notes:/callback",
        Policy::Still => "https://spa.example.com/",
    }
}

fn other(policy: Policy) -> Policy {
    match policy {
        Policy::Strict => Policy::Still,
        Policy::UntilUsed | Policy::Still => Policy::Strict,
    }
}

/// A generation that is no later than this one.
fn up_to(g: u32) -> u32 {
    u32::try_from(below(usize::try_from(g).unwrap() + 1)).unwrap()
}

/// Each grant has a user of its own.
fn subject(round: usize, place: usize) -> String {
    format!("user {round}.{place}")
}
