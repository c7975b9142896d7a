//! `cargo bench -p grantlet-peers [-- OPTION]`: grantlet beside its Rust peers, in Markdown tables.
//!
//! - no option: 1,000 and 1,000,000 live grants; minutes, and gigabytes for the peers
//! - `--quick`, `--test`, or run by `cargo test`: 1,000 grants, 3 rounds; seconds
//! - `--grants N`: that number of live grants only

use std::time::Duration;

use grantlet_peers::Peer;
use grantlet_peers::fleet::Fleet;
use grantlet_peers::jsonwebtoken::{Backend, JsonWebToken};
use grantlet_peers::memory::{self, Footprint};
use grantlet_peers::oauth_as::OauthAs;
use grantlet_peers::ours::{self, Grantlet};
use grantlet_peers::oxide_auth::OxideAuth;
use grantlet_peers::race::{Lane, Race, race};
use grantlet_peers::raw::{self, Algorithm, Claims, Key};

const OURS_HS256: &str = "grantlet, HS256";
const OURS_ES256: &str = "grantlet, ES256";
const OXIDE_AUTH: &str = "oxide-auth, opaque";
const OAUTH_AS: &str = "oauth-as, opaque";
const OAUTH_AS_ES256: &str = "oauth-as, ES256 by ring";
const RAW_ES256: &str = "ring, one ES256 signature";

/// Operations a sample: enough that the clock and cold caches do not show, few enough that a sample
/// sees one state of the machine.
const REFRESHES: u32 = 500;
const SIGNATURES: u32 = 200;
const VERIFICATIONS: u32 = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, peer, grants] = &arguments[..]
        && flag == memory::ARGUMENT
    {
        return footprint(peer, grants.parse().expect("a number of grants")).print();
    }
    let given = |flag: &str| arguments.iter().position(|argument| argument == flag);

    // Cargo passes `--bench` to a bench that it means to measure.
    let smoke = given("--quick").or(given("--test")).is_some() || given("--bench").is_none();
    let rounds = if smoke { 3 } else { 101 };
    let sizes = match given("--grants") {
        Some(at) => vec![arguments[at + 1].parse().expect("--grants NUMBER")],
        None if smoke => vec![1_000],
        None => vec![1_000, 1_000_000],
    };

    jose(rounds);
    for &grants in &sizes {
        refresh(rounds, grants);
    }
    for &grants in &sizes {
        footprints(grants);
    }
}

fn jose(rounds: usize) {
    println!("\n## Signing and verifying one access token: medians of {rounds} rounds\n");
    println!("| work | µs | × ring alone |\n| --- | ---: | ---: |");
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
        let key = Key::generate(algorithm);
        let input = raw::signing_input(algorithm);
        let signature = key.sign(input.as_bytes());
        let claims = Claims::example();
        let on_ring = JsonWebToken::new(algorithm, &key, Backend::Ring);
        let on_aws_lc = JsonWebToken::new(algorithm, &key, Backend::AwsLc);
        let token = on_ring.sign(&claims);
        for peer in [&on_ring, &on_aws_lc] {
            assert!(key.verify_token(&peer.sign(&claims)));
            assert_eq!(peer.verify(&token).sub, claims.sub);
        }
        let engine = ours::Issuer::new(algorithm);

        #[rustfmt::skip]
        let signing = vec![
            Lane::repeat("ring alone", SIGNATURES, || key.sign(input.as_bytes())),
            Lane::repeat("grantlet (client_credentials, form to JSON)", SIGNATURES, || engine.issue()),
            Lane::repeat("jsonwebtoken on ring", SIGNATURES, || on_ring.sign(&claims)),
            Lane::repeat("jsonwebtoken on aws-lc-rs", SIGNATURES, || on_aws_lc.sign(&claims)),
        ];
        jose_rows(&format!("{algorithm:?} sign"), &race(rounds, signing));

        #[rustfmt::skip]
        let verifying = vec![
            Lane::repeat("ring alone", VERIFICATIONS, || assert!(key.verify(input.as_bytes(), &signature))),
            Lane::repeat("grantlet", VERIFICATIONS, || engine.verify()),
            Lane::repeat("jsonwebtoken on ring", VERIFICATIONS, || on_ring.verify(&token)),
            Lane::repeat("jsonwebtoken on aws-lc-rs", VERIFICATIONS, || on_aws_lc.verify(&token)),
        ];
        jose_rows(&format!("{algorithm:?} verify"), &race(rounds, verifying));
    }
}

fn jose_rows(work: &str, race: &Race) {
    for name in race.names() {
        println!(
            "| {work}: {name} | {:.2} | {} |",
            race.micros(name),
            ratio(race, name, "ring alone")
        );
    }
}

fn refresh(rounds: usize, grants: usize) {
    let key = Key::generate(Algorithm::ES256);
    let input = raw::signing_input(Algorithm::ES256);
    let raw = Lane::repeat(RAW_ES256, SIGNATURES, || key.sign(input.as_bytes()));
    let race = race(
        rounds,
        vec![
            raw,
            lane(
                OURS_HS256,
                REFRESHES,
                Grantlet::new(Algorithm::HS256),
                grants,
            ),
            lane(
                OURS_ES256,
                SIGNATURES,
                Grantlet::new(Algorithm::ES256),
                grants,
            ),
            lane(OXIDE_AUTH, REFRESHES, OxideAuth::new(), grants),
            lane(OAUTH_AS, REFRESHES, OauthAs::opaque(), grants),
            lane(OAUTH_AS_ES256, SIGNATURES, OauthAs::es256(), grants),
        ],
    );

    println!(
        "\n## One refresh, {grants} live grants of public clients: medians of {rounds} rounds\n"
    );
    println!("| candidate | µs | × raw ES256 | × grantlet HS256 |\n| --- | ---: | ---: | ---: |");
    for name in race.names() {
        let (of_raw, of_ours) = (
            ratio(&race, name, RAW_ES256),
            ratio(&race, name, OURS_HS256),
        );
        println!(
            "| {name} | {:.2} | {of_raw} | {of_ours} |",
            race.micros(name)
        );
    }
    let of_oxide = ratio(&race, OURS_HS256, OXIDE_AUTH);
    println!("\n{OURS_HS256} takes {of_oxide} × {OXIDE_AUTH} (to hold: 0.6).");
}

fn lane<P: Peer + 'static>(
    name: &'static str,
    refreshes: u32,
    peer: P,
    grants: usize,
) -> Lane<'static> {
    let mut fleet = Fleet::new(peer, grants);
    fleet.populate();
    Lane::new(name, refreshes, move |refreshes| -> Duration {
        fleet.refresh(refreshes.try_into().expect("a small number"))
    })
}

fn footprints(grants: usize) {
    println!("\n## Resident bytes a live grant, {grants} grants\n");
    println!("| candidate | fresh | after one refresh of each |\n| --- | ---: | ---: |");
    for name in [OURS_HS256, OXIDE_AUTH, OAUTH_AS, OAUTH_AS_ES256] {
        let Footprint { fresh, refreshed } = Footprint::in_child(name, grants);
        println!("| {name} | {fresh} | {refreshed} |");
    }
}

fn footprint(peer: &str, grants: usize) -> Footprint {
    match peer {
        OURS_HS256 => Footprint::of(Grantlet::new(Algorithm::HS256), grants),
        OXIDE_AUTH => Footprint::of(OxideAuth::new(), grants),
        OAUTH_AS => Footprint::of(OauthAs::opaque(), grants),
        OAUTH_AS_ES256 => Footprint::of(OauthAs::es256(), grants),
        other => panic!("no peer is called {other:?}"),
    }
}

fn ratio(race: &Race, name: &str, base: &str) -> String {
    race.ratio(name, base)
        .map_or("–".into(), |ratio| format!("{ratio:.2}"))
}
