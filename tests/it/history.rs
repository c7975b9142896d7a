//! The checker of recorded histories, itself checked: what can have happened has an order, and what cannot
//! has none.

use grantlet::{Random, ScriptedRandom};

use crate::support::history::{APPROVED, Call, Op, Outcome, Policy, State};

use Op::{Introspect, Look, Present, PresentByOther, PresentWithoutRoom, RevokeByClient, Verify};
use Outcome::{Got, Reused, Revoked, Saw, Was};
use Policy::{Still, Strict, UntilUsed};

fn call(lane: usize, (start, end): (u64, u64), op: Op, outcome: Outcome) -> Call {
    Call {
        lane,
        start,
        end,
        op,
        outcome,
    }
}

/// One after the other.
fn sequence(calls: &[(Op, Outcome)]) -> Vec<Call> {
    let numbered = (0..).zip(calls);
    numbered
        .map(|(at, &(op, outcome))| call(0, (10 * at, 10 * at + 5), op, outcome))
        .collect()
}

#[test]
fn what_the_table_says_has_an_order() {
    let story = [
        (Op::PresentUnverified, Outcome::Unverified),
        (PresentWithoutRoom(0), Outcome::NoRoom),
        (Present(0), Got(1)),
        (PresentByOther(1), Outcome::WrongClient),
        (Op::RevokeByOther, Outcome::Done),
        (Look, Saw(1, false)),
        (Present(5), Outcome::Ahead),
        (Present(1), Got(2)),
        (Present(1), Got(2)),
        (Introspect(1), Was(true)),
        (Present(2), Got(3)),
        (Introspect(1), Was(false)),
        (Verify, Was(true)),
        (Present(1), Reused),
        (Verify, Was(false)),
        (Present(3), Revoked),
        (Present(1), Outcome::Unavailable),
        (PresentWithoutRoom(1), Revoked),
        (Op::Revoke, Was(false)),
        (Look, Saw(3, true)),
    ];
    assert_eq!(UntilUsed.order(&sequence(&story)), Ok((0..20).collect()));
    for (policy, story) in [
        (
            Strict,
            &[
                (Present(0), Got(1)),
                (Present(1), Got(2)),
                (Present(1), Reused),
            ][..],
        ),
        (
            Still,
            &[
                (Present(0), Got(1)),
                (Present(1), Got(1)),
                (Present(1), Got(1)),
                (Present(0), Reused),
            ],
        ),
        (
            Still,
            &[
                (Present(0), Got(1)),
                (RevokeByClient, Outcome::Done),
                (Present(1), Revoked),
            ],
        ),
    ] {
        policy.order(&sequence(story)).unwrap();
    }
}

#[test]
fn calls_at_the_same_time_may_have_come_in_any_order() {
    // Racers with one token; the first of them had its answer last.
    let racers = [
        call(0, (0, 5), Present(0), Got(1)),
        call(0, (10, 90), Present(1), Got(2)),
        call(1, (20, 30), Present(1), Got(2)),
        call(2, (40, 50), Look, Saw(2, false)),
    ];
    UntilUsed.order(&racers).unwrap();
    // Used while it is revoked: answered before, refused after, in whatever order they were asked.
    let revoked = [
        call(0, (0, 5), Present(0), Got(1)),
        call(1, (10, 90), Op::Revoke, Was(true)),
        call(2, (20, 30), Present(1), Revoked),
        call(3, (15, 40), Present(1), Got(2)),
    ];
    Strict.order(&revoked).unwrap();
}

#[test]
fn what_cannot_be_has_no_order() {
    let redeemed = (Present(0), Got(1));
    for (policy, what, story) in [
        (
            Strict,
            "two successors",
            &[redeemed, (Present(1), Got(2)), (Present(1), Got(2))][..],
        ),
        (UntilUsed, "two redemptions", &[redeemed, redeemed]),
        (
            UntilUsed,
            "a replay after the successor was used",
            &[
                redeemed,
                (Present(1), Got(2)),
                (Present(2), Got(3)),
                (Present(1), Got(2)),
            ],
        ),
        (
            UntilUsed,
            "a success after a revocation",
            &[redeemed, (Op::Revoke, Was(true)), (Present(1), Got(2))],
        ),
        (
            Still,
            "a success after a reuse",
            &[redeemed, (Present(0), Reused), (Present(1), Got(1))],
        ),
        (
            Strict,
            "a lost update",
            &[redeemed, (Present(1), Got(2)), (Look, Saw(1, false))],
        ),
        (
            Strict,
            "a lost update",
            &[redeemed, (Present(1), Got(2)), (Present(2), Outcome::Ahead)],
        ),
        (
            UntilUsed,
            "a lost revocation",
            &[
                redeemed,
                (RevokeByClient, Outcome::Done),
                (Op::Revoke, Was(true)),
            ],
        ),
        (
            UntilUsed,
            "a valid access token under a revoked grant",
            &[(Op::Revoke, Was(true)), (Verify, Was(true))],
        ),
        (
            UntilUsed,
            "a revocation of nobody's doing",
            &[redeemed, (Present(1), Revoked)],
        ),
        (
            UntilUsed,
            "a reuse that is none",
            &[redeemed, (Present(1), Got(2)), (Present(1), Reused)],
        ),
        (
            Strict,
            "a call that failed and did something",
            &[
                redeemed,
                (PresentWithoutRoom(1), Outcome::NoRoom),
                (Look, Saw(2, false)),
            ],
        ),
        (
            Strict,
            "a call that was not done, and was",
            &[
                redeemed,
                (Present(1), Outcome::Unavailable),
                (Look, Saw(2, false)),
            ],
        ),
        (Strict, "a leap", &[redeemed, (Present(1), Got(3))]),
    ] {
        let best = policy.order(&sequence(story)).expect_err(what);
        assert_eq!(best.len(), story.len() - 1, "{what}");
    }
    // Two revocations at once were not both the first.
    let both = [
        call(0, (0, 9), Op::Revoke, Was(true)),
        call(1, (0, 9), Op::Revoke, Was(true)),
    ];
    UntilUsed.order(&both).unwrap_err();
    // Two at once with one strict token are not both answered.
    let forked = [
        call(0, (0, 9), Present(0), Got(1)),
        call(0, (10, 30), Present(1), Got(2)),
        call(1, (10, 30), Present(1), Got(2)),
    ];
    Strict.order(&forked).unwrap_err();
    UntilUsed.order(&forked).unwrap();
}

/// Every order there is, one by one.
fn some_order(policy: Policy, calls: &[Call], order: &mut Vec<usize>, state: State) -> bool {
    let left: Vec<_> = (0..calls.len())
        .filter(|number| !order.contains(number))
        .collect();
    left.is_empty()
        || left.iter().any(|&number| {
            let first = left
                .iter()
                .all(|&before| calls[before].end >= calls[number].start);
            let Some(after) = policy.after(state, &calls[number]).filter(|_| first) else {
                return false;
            };
            order.push(number);
            let found = some_order(policy, calls, order, after);
            order.pop();
            found
        })
}

#[test]
fn the_search_finds_what_trying_every_order_finds() {
    let random: &dyn Random = &ScriptedRandom::new(1);
    let below = |limit: usize| usize::from_be_bytes(random.bytes().unwrap()) % limit;
    let nanos = |number: usize| u64::try_from(number).unwrap();
    let (mut with, mut without) = (0, 0);
    for _ in 0..4000 {
        let policy = [UntilUsed, Strict, Still][below(3)];
        let (mut state, mut calls) = (APPROVED, Vec::new());
        for at in 0..3 + below(4) {
            let g = state.generation;
            let op = match below(10) {
                0..=4 => Present(g),
                5 => Present(g.saturating_sub(1)),
                6 => Look,
                7 => Op::Revoke,
                8 => Verify,
                _ => PresentWithoutRoom(g),
            };
            let (outcome, after) = policy.answer(state, op);
            let moment = 100 + 10 * at;
            let interval = (nanos(moment - below(30)), nanos(moment + below(30)));
            calls.push(call(at, interval, op, outcome));
            state = after;
        }
        policy.order(&calls).unwrap();
        let (one, other) = (below(calls.len()), below(calls.len()));
        calls[one].outcome = calls[other].outcome;
        let found = policy.order(&calls).is_ok();
        assert_eq!(
            found,
            some_order(policy, &calls, &mut Vec::new(), APPROVED),
            "{policy:?} {calls:?}"
        );
        *if found { &mut with } else { &mut without } += 1;
    }
    assert!(with > 500 && without > 500, "{with} and {without}");
}

/// Hundreds of calls, twelve at any moment, and one wrong answer in the end.
#[test]
fn a_long_history_takes_no_time() {
    let mut calls = vec![call(0, (0, 5), Present(0), Got(1))];
    for g in 1..50 {
        let start = u64::from(g) * 100;
        calls.extend((0..12).map(|lane| {
            let late = u64::try_from(lane).unwrap();
            call(
                lane,
                (start + late, start + 90 - late),
                Present(g),
                Got(g + 1),
            )
        }));
    }
    UntilUsed.order(&calls).unwrap();
    calls.push(call(0, (9_000, 9_001), Look, Saw(49, false)));
    UntilUsed.order(&calls).unwrap_err();
}
