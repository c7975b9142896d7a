//! What each part costs, by criterion: `area/op/variant`. `cargo bench --bench engine`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/mod.rs"]
mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use grantlet::{Algorithm, Engine, FormRequest, Status};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    UnparsedPublicKey,
};
use ring::{hmac, rsa};
use support::{API, Fleet, code_form, engine, grant};

const OFFLINE: &str = "read:notes%20offline_access";
const WITH_ID_TOKEN: &str = "openid%20read:notes%20offline_access";
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::HS256,
];

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;
type Verify = Box<dyn Fn(&[u8], &[u8])>;

/// ring alone, on a token's own bytes.
struct Raw {
    sign: Sign,
    verify: Verify,
}

impl Raw {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => {
                Raw::ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_FIXED)
            }
            Algorithm::ES384 => {
                Raw::ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED)
            }
            Algorithm::EdDSA => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
                let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
                let public = public(&ED25519, &key);
                Raw {
                    sign: Box::new(move |input| key.sign(input).as_ref().to_vec()),
                    verify: Box::new(move |input, signature| {
                        public.verify(input, signature).unwrap()
                    }),
                }
            }
            Algorithm::RS256 => Raw::rsa(
                &signature::RSA_PKCS1_SHA256,
                &signature::RSA_PKCS1_2048_8192_SHA256,
            ),
            Algorithm::PS256 => Raw::rsa(
                &signature::RSA_PSS_SHA256,
                &signature::RSA_PSS_2048_8192_SHA256,
            ),
            Algorithm::HS256 => {
                let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap();
                let other = key.clone();
                Raw {
                    sign: Box::new(move |input| hmac::sign(&key, input).as_ref().to_vec()),
                    verify: Box::new(move |input, signature| {
                        hmac::verify(&other, input, signature).unwrap()
                    }),
                }
            }
        }
    }

    fn ecdsa(
        signing: &'static signature::EcdsaSigningAlgorithm,
        verifying: &'static dyn signature::VerificationAlgorithm,
    ) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(signing, pkcs8.as_ref(), &random).unwrap();
        let public = public(verifying, &key);
        Raw {
            sign: Box::new(move |input| key.sign(&random, input).unwrap().as_ref().to_vec()),
            verify: Box::new(move |input, signature| public.verify(input, signature).unwrap()),
        }
    }

    fn rsa(
        padding: &'static dyn signature::RsaEncoding,
        verifying: &'static dyn signature::VerificationAlgorithm,
    ) -> Self {
        use base64::prelude::{BASE64_STANDARD, Engine as _};
        let pem: String = support::rsa_pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let key = rsa::KeyPair::from_pkcs8(&BASE64_STANDARD.decode(pem).unwrap()).unwrap();
        let public = public(verifying, &key);
        let random = SystemRandom::new();
        Raw {
            sign: Box::new(move |input| {
                let mut out = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, input, &mut out).unwrap();
                out
            }),
            verify: Box::new(move |input, signature| public.verify(input, signature).unwrap()),
        }
    }
}

fn public<K: KeyPair>(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &K,
) -> UnparsedPublicKey<Vec<u8>> {
    UnparsedPublicKey::new(algorithm, key.public_key().as_ref().to_vec())
}

/// Issuing beside ring's signature over the same number of bytes; verifying likewise.
fn jose(c: &mut Criterion) {
    for algorithm in ALGORITHMS {
        let name = algorithm.name();
        let mut fleet = Fleet::new(algorithm, 100, OFFLINE);
        let token = access_token(&fleet);
        let raw = Raw::new(algorithm);
        let input = &token.as_bytes()[..token.rfind('.').unwrap()];
        let signature = (raw.sign)(input);
        c.bench_function(&format!("sign/ring/{name}"), |b| {
            b.iter(|| (raw.sign)(input))
        });
        c.bench_function(&format!("sign/refresh/{name}"), |b| {
            b.iter(|| fleet.refresh())
        });
        c.bench_function(&format!("verify/ring/{name}"), |b| {
            b.iter(|| (raw.verify)(input, &signature))
        });
        let engine = fleet.server.clone();
        c.bench_function(&format!("verify/engine/{name}"), |b| {
            b.iter(|| engine.verify(&token, API, &["read:notes"]).unwrap());
        });
    }
}

fn access_token(fleet: &Fleet<Engine>) -> String {
    let form = code_form(&fleet.server, 1_000, OFFLINE);
    let form = FormRequest {
        form: &form,
        authorization: None,
    };
    fleet.server.token(form).unwrap().access_token.to_string()
}

fn exchange(c: &mut Criterion) {
    for (variant, scope) in [("access", OFFLINE), ("with_id_token", WITH_ID_TOKEN)] {
        let engine = engine(Algorithm::ES256);
        let mut n = 0;
        c.bench_function(&format!("token/code/{variant}"), |b| {
            b.iter_batched(
                || {
                    n += 1;
                    code_form(&engine, n, scope)
                },
                |form| post(&engine, &form),
                BatchSize::SmallInput,
            );
        });
    }
}

fn post(engine: &Engine, form: &str) -> usize {
    engine
        .token(FormRequest {
            form,
            authorization: None,
        })
        .unwrap()
        .access_token
        .len()
}

fn refresh(c: &mut Criterion) {
    // A smoke run (`-- --test`) does not wait for a million grants.
    let many = if std::env::args().any(|arg| arg == "--test") {
        2_000
    } else {
        1_000_000
    };
    for (size, grants) in [("1k", 1_000), ("1M", many)] {
        for (variant, scope) in [("access", OFFLINE), ("with_id_token", WITH_ID_TOKEN)] {
            let mut fleet = Fleet::new(Algorithm::ES256, grants, scope);
            c.bench_function(&format!("token/refresh/{variant}/rust/{size}"), |b| {
                b.iter(|| fleet.refresh())
            });
            drop(fleet);
            let mut fleet = support::abi::Abi::fleet(grants, scope);
            c.bench_function(&format!("token/refresh/{variant}/c/{size}"), |b| {
                b.iter(|| fleet.refresh())
            });
        }
    }
}

fn forged(c: &mut Criterion) {
    let (forger, honest) = (engine(Algorithm::ES256), engine(Algorithm::ES256));
    let form = grant(&forger, 1, OFFLINE);
    c.bench_function("token/refresh/forged", |b| {
        b.iter(|| {
            let form = FormRequest {
                form: &form,
                authorization: None,
            };
            let refused = honest.token(form).unwrap_err();
            assert_eq!(refused.status(), Status::InvalidGrantMalformed);
        });
    });
}

criterion_group!(benches, jose, exchange, refresh, forged);
criterion_main!(benches);
