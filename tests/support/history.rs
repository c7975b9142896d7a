//! What happened to one grant, call by call, and the question whether that can be: is there an order of the
//! calls, consistent with the clock, in which the table of DESIGN §1 gives every outcome as it was?
//!
//! (Linearizability. The search is Wing and Gong's, with Lowe's memory of where it has been.) The table is
//! written down here once more, and from the page: nothing of the engine is asked.

use std::collections::HashSet;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};

/// What a client's refresh tokens may do; the leeway is one on which the time has no say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Each use rotates; the token before is answered until its successor is used.
    UntilUsed,
    /// Each use rotates; no leeway.
    Strict,
    /// One token for good.
    Still,
}

/// A grant, as far as the table looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    pub generation: u32,
    pub revoked: bool,
}

/// A grant whose code is out.
pub const APPROVED: State = State {
    generation: 0,
    revoked: false,
};

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// The code (generation 0) or a refresh token, with all that belongs to it.
    Present(u32),
    /// The same by a client whose it is not.
    PresentByOther(u32),
    /// The same into a buffer that is too small for the answer.
    PresentWithoutRoom(u32),
    /// The code, with a verifier that does not match.
    PresentUnverified,
    /// The host revokes: tells whether the grant was live.
    Revoke,
    /// The client gives a token back; always answered alike.
    RevokeByClient,
    /// Another client tries to; always answered alike.
    RevokeByOther,
    /// The host looks at the record.
    Look,
    /// A resource server verifies an access token.
    Verify,
    /// The client asks whether this refresh token is active.
    Introspect(u32),
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// Tokens; the refresh token is of this generation.
    Got(u32),
    /// A spent credential came back: the grant is revoked by this.
    Reused,
    /// The grant was revoked before.
    Revoked,
    WrongClient,
    Unverified,
    NoRoom,
    /// The token is newer than the record.
    Ahead,
    Done,
    Was(bool),
    Saw(u32, bool),
    /// «Try again»: nothing was done.
    Unavailable,
}

/// A call as its caller saw it. The clock is one for all callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who calls: one after the other.
    pub lane: usize,
    pub start: u64,
    pub end: u64,
    pub op: Op,
    pub outcome: Outcome,
}

impl Policy {
    /// The table: what comes of a call in this state.
    pub fn answer(self, state: State, op: Op) -> (Outcome, State) {
        let revoked = State {
            revoked: true,
            ..state
        };
        match op {
            Op::PresentByOther(_) => (Outcome::WrongClient, state),
            Op::Present(g) => match self.verdict(state, g) {
                Ok(next) => {
                    let moved = State {
                        generation: next,
                        ..state
                    };
                    (Outcome::Got(next), moved)
                }
                Err(Outcome::Reused) => (Outcome::Reused, revoked),
                Err(refusal) => (refusal, state),
            },
            Op::PresentWithoutRoom(g) => self.instead_of_tokens(state, g, Outcome::NoRoom),
            Op::PresentUnverified => self.instead_of_tokens(state, 0, Outcome::Unverified),
            Op::Revoke => (Outcome::Was(!state.revoked), revoked),
            Op::RevokeByClient => (Outcome::Done, revoked),
            Op::RevokeByOther => (Outcome::Done, state),
            Op::Look => (Outcome::Saw(state.generation, state.revoked), state),
            Op::Verify => (Outcome::Was(!state.revoked), state),
            Op::Introspect(g) => (Outcome::Was(self.verdict(state, g).is_ok()), state),
        }
    }

    /// Which generation goes out for `g`, or why none does.
    fn verdict(
        self,
        State {
            generation,
            revoked,
        }: State,
        g: u32,
    ) -> Result<u32, Outcome> {
        let rotates = g == 0 || self != Policy::Still;
        if revoked {
            Err(Outcome::Revoked)
        } else if g > generation {
            Err(Outcome::Ahead)
        } else if g == generation {
            Ok(if rotates { g + 1 } else { g })
        } else if g > 0 && g + 1 == generation && self == Policy::UntilUsed {
            Ok(generation)
        } else {
            Err(Outcome::Reused)
        }
    }

    /// A call that fails where tokens would go out, and changes nothing then.
    fn instead_of_tokens(self, state: State, g: u32, failure: Outcome) -> (Outcome, State) {
        match self.answer(state, Op::Present(g)) {
            (Outcome::Got(_), _) => (failure, state),
            otherwise => otherwise,
        }
    }

    /// The state after a call, if the call can have had its outcome in this one. A call that was told to
    /// try again has changed nothing: the engine says so only before a commit, or where it was undone.
    pub fn after(self, state: State, call: &Call) -> Option<State> {
        if call.outcome == Outcome::Unavailable {
            return Some(state);
        }
        let (outcome, after) = self.answer(state, call.op);
        (outcome == call.outcome).then_some(after)
    }

    /// An order of the calls in which each outcome follows from the table, a call that had ended before
    /// another began coming first; where there is none, the most that fits.
    pub fn order(self, calls: &[Call]) -> Result<Vec<usize>, Vec<usize>> {
        let mut lanes: Vec<Vec<usize>> = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            lanes.resize(lanes.len().max(call.lane + 1), Vec::new());
            lanes[call.lane].push(number);
        }
        for lane in &mut lanes {
            lane.sort_by_key(|&number| calls[number].start);
            let sequential = |pair: &[usize]| calls[pair[0]].end <= calls[pair[1]].start;
            assert!(lane.windows(2).all(sequential), "two calls at once");
        }
        let mut search = Search {
            policy: self,
            calls,
            done: vec![0; lanes.len()],
            lanes,
            order: Vec::new(),
            best: Vec::new(),
            seen: HashSet::new(),
        };
        match search.go_on(APPROVED) {
            true => Ok(search.order),
            false => Err(search.best),
        }
    }
}

struct Search<'a> {
    policy: Policy,
    calls: &'a [Call],
    /// The numbers of each caller's calls, in their order.
    lanes: Vec<Vec<usize>>,
    /// How many of each are in the order that is tried.
    done: Vec<usize>,
    order: Vec<usize>,
    best: Vec<usize>,
    /// From where there is no way on.
    seen: HashSet<(Vec<usize>, State)>,
}

impl Search<'_> {
    fn go_on(&mut self, state: State) -> bool {
        if self.order.len() == self.calls.len() {
            return true;
        }
        if !self.seen.insert((self.done.clone(), state)) {
            return false;
        }
        if self.order.len() > self.best.len() {
            self.best.clone_from(&self.order);
        }
        let calls = self.calls;
        let next = |this: &Self, lane: usize| this.lanes[lane].get(this.done[lane]).copied();
        let waiting = (0..self.lanes.len()).filter_map(|lane| next(self, lane));
        // Whoever begins after this cannot be next: another call had ended.
        let horizon = waiting.map(|number| calls[number].end).min();
        for lane in 0..self.lanes.len() {
            let Some(number) = next(self, lane) else {
                continue;
            };
            if Some(calls[number].start) > horizon {
                continue;
            }
            let Some(after) = self.policy.after(state, &calls[number]) else {
                continue;
            };
            self.done[lane] += 1;
            self.order.push(number);
            if self.go_on(after) {
                return true;
            }
            self.order.pop();
            self.done[lane] -= 1;
        }
        false
    }
}

/// The generation that a code or a refresh token shows.
pub fn generation(text: &str) -> u32 {
    u32::from_be_bytes(bytes(text)[20..24].try_into().unwrap())
}

/// The id of its grant.
pub fn grant_id(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&bytes(text)[4..20])
}

/// The id of the key under which it was made.
pub fn key_id(text: &str) -> [u8; 4] {
    bytes(text)[..4].try_into().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    let encoded = text
        .strip_prefix("grl_rt_")
        .or(text.strip_prefix("grl_ac_"));
    BASE64_URL_SAFE_NO_PAD.decode(encoded.unwrap()).unwrap()
}
