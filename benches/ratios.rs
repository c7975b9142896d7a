//! What must hold, as ratios: everything is measured side by side, round by round, in one run, because
//! absolute times on shared machines swing and ratios do not.
//!
//! `cargo bench --bench ratios` takes some minutes; `-- --quick` (or `--test`) is a smoke run of seconds.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]

#[path = "support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use grantlet::{Algorithm, FormRequest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use support::abi::Abi;
use support::{Fleet, Server, engine, grant, median, row};

const OFFLINE: &str = "read:notes%20offline_access";
const WITH_ID_TOKEN: &str = "openid%20read:notes%20offline_access";

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return memory_child();
    }
    let quick = !std::env::args().any(|arg| arg == "--bench")
        || std::env::args().any(|arg| arg == "--quick" || arg == "--test");
    let (rounds, many) = if quick { (3, 2_000) } else { (101, 1_000_000) };

    println!("| what | median | bound |");
    println!("| --- | --- | --- |");
    for grants in [1_000, many] {
        refreshes(rounds, grants);
    }
    threads(rounds.min(21));
    growth(many);
    memory(many);
}

/// ring's own ES256 signature over as many bytes as a token has: what everything is compared with.
struct Raw {
    key: EcdsaKeyPair,
    random: SystemRandom,
    input: Vec<u8>,
}

impl Raw {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .unwrap();
        assert_eq!(key.public_key().as_ref().len(), 65);
        Raw {
            key,
            random,
            input: vec![b'x'; 500],
        }
    }

    fn sign(&self) -> usize {
        self.key
            .sign(&self.random, &self.input)
            .unwrap()
            .as_ref()
            .len()
    }
}

/// Operations a sample.
const SAMPLE: usize = 40;

/// One thing to time.
struct Lane<'a> {
    name: &'static str,
    bound: &'static str,
    /// What is laid out before a sample, untimed, and done; gives something that was checked.
    step: Box<dyn FnMut(Step) -> usize + 'a>,
}

enum Step {
    Prepare,
    Run,
}

impl<'a> Lane<'a> {
    fn new(name: &'static str, bound: &'static str, mut run: impl FnMut() -> usize + 'a) -> Self {
        let step = move |step| match step {
            Step::Prepare => 1,
            Step::Run => run(),
        };
        Lane {
            name,
            bound,
            step: Box::new(step),
        }
    }

    fn fleet<S: Server>(name: &'static str, bound: &'static str, fleet: &'a mut Fleet<S>) -> Self {
        let step = move |step| match step {
            Step::Prepare => {
                fleet.prepare(SAMPLE);
                1
            }
            Step::Run => fleet.refresh(),
        };
        Lane {
            name,
            bound,
            step: Box::new(step),
        }
    }
}

/// The lanes' times for one operation, round by round, in µs. Every other round runs backwards.
fn race(rounds: usize, lanes: &mut [Lane<'_>]) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); lanes.len()];
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let step = &mut lanes[at].step;
            step(Step::Prepare);
            let start = Instant::now();
            for _ in 0..SAMPLE {
                assert!(black_box(step(Step::Run)) > 0);
            }
            let each = start.elapsed().as_secs_f64() * 1e6 / SAMPLE as f64;
            // The first round warms up.
            if round > 0 {
                times[at].push(each);
            }
        }
    }
    times
}

/// The median of the rounds' own ratios.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

fn refreshes(rounds: usize, grants: usize) {
    let raw = Raw::new();
    let few = grants.min(1_000);
    let mut access = Fleet::new(Algorithm::ES256, grants, OFFLINE);
    let mut with_id = Fleet::new(Algorithm::ES256, few, WITH_ID_TOKEN);
    let mut abi = Abi::fleet(few, OFFLINE);
    let mut shared = Fleet::new(Algorithm::ES256, few, OFFLINE);
    let mut hs256 = Fleet::new(Algorithm::HS256, grants, OFFLINE);
    let (forger, honest) = (engine(Algorithm::ES256), engine(Algorithm::ES256));
    let forged: Vec<String> = (0..100).map(|n| grant(&forger, n, OFFLINE)).collect();
    let mut at = 0;
    let forge = || {
        at = (at + 1) % forged.len();
        let form = FormRequest {
            form: &forged[at],
            authorization: None,
        };
        let refused = honest.token(form).unwrap_err();
        assert_eq!(refused.status(), grantlet::Status::InvalidGrantMalformed);
        1
    };
    let bound = if grants > 1_000 {
        "≤ 1.25 ×"
    } else {
        "≤ 1.15 ×"
    };
    let mut lanes = [
        Lane::new("ring, one ES256 signature", "", || raw.sign()),
        Lane::fleet("refresh", bound, &mut access),
        Lane::fleet(
            "refresh with ID token, 1,000 grants",
            "≤ 2.2 ×",
            &mut with_id,
        ),
        Lane::fleet("refresh through the C ABI, 1,000 grants", "", &mut abi),
        Lane::fleet("refresh in Rust, 1,000 grants", "", &mut shared),
        Lane::fleet("refresh, HS256", "", &mut hs256),
        Lane::new("a forged refresh token", "≤ 0.1 ×", forge),
    ];
    let times = race(rounds, &mut lanes);
    for (lane, of) in lanes.iter().zip(&times) {
        let value = format!(
            "{:.2} µs, {:.3} × the signature",
            median(of.clone()),
            ratio(of, &times[0])
        );
        row(
            &format!("{grants} grants: {}", lane.name),
            value,
            lane.bound,
        );
    }
    let over = times[3]
        .iter()
        .zip(&times[4])
        .map(|(abi, rust)| abi - 1.05 * rust)
        .collect();
    row(
        &format!("{grants} grants: C ABI − 1.05 × Rust"),
        format!("{:.2} µs", median(over)),
        "≤ 2 µs",
    );
}

/// How much more two threads do than one, beside what raw signing gains in the same rounds.
fn threads(rounds: usize) {
    let raw = Raw::new();
    // Both threads work on one engine, each on its own grants.
    let engine = engine(Algorithm::ES256);
    let mut fleets = [0, 1].map(|half| {
        let forms = (half * 1_000..(half + 1) * 1_000)
            .map(|n| grant(&engine, n, OFFLINE))
            .collect();
        Fleet::of(engine.clone(), forms)
    });
    let mut gains = Vec::new();
    for _ in 0..rounds {
        let [first, second] = &mut fleets;
        let alone = rate(&mut [Box::new(|| raw.sign())]);
        let both = rate(&mut [Box::new(|| raw.sign()), Box::new(|| raw.sign())]);
        let one = rate(&mut [Box::new(|| first.refresh())]);
        let two = rate(&mut [Box::new(|| first.refresh()), Box::new(|| second.refresh())]);
        gains.push((two / one) / (both / alone));
    }
    row(
        "two threads' gain beside raw signing's",
        format!("{:.2} ×", median(gains)),
        "≥ 0.9",
    );
}

/// Operations a second of workers side by side, for a moment.
fn rate(workers: &mut [Box<dyn FnMut() -> usize + Send + '_>]) -> f64 {
    let moment = Duration::from_millis(40);
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let handles: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                scope.spawn(move || {
                    let start = Instant::now();
                    let mut count = 0;
                    while start.elapsed() < moment {
                        assert!(worker() > 0);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    counts.iter().sum::<usize>() as f64 / moment.as_secs_f64()
}

/// The longest call while the store grows: in time on the clock, and in this thread's own work (what
/// the machine gave to somebody else meanwhile is not ours).
fn growth(grants: usize) {
    let engine = engine(Algorithm::HS256);
    let (mut wall, mut work) = (Duration::ZERO, Duration::ZERO);
    for n in 0..grants {
        let (start, start_work) = (Instant::now(), support::thread_time());
        black_box(grant(&engine, n, OFFLINE));
        wall = wall.max(start.elapsed());
        work = work.max(support::thread_time() - start_work);
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let value = format!(
        "{:.2} ms of work, {:.2} ms on the clock",
        ms(work),
        ms(wall)
    );
    row(
        &format!("longest call while growing to {grants} grants"),
        value,
        "≤ 10 ms",
    );
}

const CHILD: &str = "GRANTLET_BENCH_MEMORY";

/// Resident memory, in a process of its own that has freed nothing before.
fn memory(grants: usize) {
    let this = std::env::current_exe().unwrap();
    let output = std::process::Command::new(this)
        .env(CHILD, grants.to_string())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let bytes = String::from_utf8(output.stdout).unwrap();
    row(
        &format!("memory a live grant, {grants} grants"),
        format!("{} bytes", bytes.trim()),
        "≤ 160",
    );
}

fn memory_child() {
    let grants: usize = std::env::var(CHILD).unwrap().parse().unwrap();
    let engine = engine(Algorithm::HS256);
    black_box(grant(&engine, grants, OFFLINE));
    let before = resident();
    for n in 0..grants {
        black_box(grant(&engine, n, OFFLINE));
    }
    println!("{}", (resident() - before) / grants);
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}
