//! The clients' side: who holds which refresh token, the forms they send, the check of every reply.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::Peer;

/// How many clients share the grants.
pub const CLIENTS: usize = 100;
/// What every grant is for.
pub const SCOPE: &str = "read:notes write:notes offline_access";
/// The clients' only redirect URI.
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// The resource server.
pub const AUDIENCE: &str = "https://api.example/";
/// The authorization server.
pub const ISSUER: &str = "https://issuer.example/";

/// Longer than any reply.
const WIRE: usize = 2_048;

/// The client that grant number `grant` belongs to.
pub fn client_id(grant: usize) -> String {
    format!("client-{:02}", grant % CLIENTS)
}

/// The user of grant number `grant`: 24 bytes, no two alike.
pub fn subject(grant: usize) -> String {
    format!("user|{grant:019}")
}

/// A peer and the clients that hold its refresh tokens.
pub struct Fleet<P> {
    peer: P,
    tokens: Tokens,
    grants: usize,
    turn: usize,
}

impl<P: Peer> Fleet<P> {
    /// A fleet without grants, its own memory already resident.
    pub fn new(mut peer: P, grants: usize) -> Self {
        assert!(grants >= CLIENTS, "fewer grants than clients");
        let first = peer.issue(&client_id(0), &subject(0));
        let mut tokens = Tokens::new(grants, first.len());
        tokens.set(0, &first);
        Fleet {
            peer,
            tokens,
            grants,
            turn: 0,
        }
    }

    /// Makes every grant but the first, which [`Fleet::new`] made.
    pub fn populate(&mut self) {
        for grant in 1..self.grants {
            let token = self.peer.issue(&client_id(grant), &subject(grant));
            self.tokens.set(grant, &token);
        }
    }

    /// Refreshes `count` different grants and gives the time that the peer took for them.
    ///
    /// Forms are written before the clock starts, replies are checked and stored after it stops.
    pub fn refresh(&mut self, count: usize) -> Duration {
        assert!(count <= self.grants, "a grant would present a spent token");
        let forms: Vec<_> = (0..count).map(|_| self.next_form()).collect();
        // A host sends each reply and lets it go; here it is copied to where the wire would be, one
        // buffer that is there already, so that no candidate pays for memory that a host reuses.
        let mut wire = Vec::with_capacity(count);
        wire.resize(count, [0; WIRE]);

        let start = Instant::now();
        for ((_, form), wire) in forms.iter().zip(&mut wire) {
            let reply = self.peer.refresh(form);
            wire[..reply.len()].copy_from_slice(reply.as_bytes());
        }
        let elapsed = start.elapsed();

        let reply = |wire: &[u8; WIRE]| {
            let end = wire
                .iter()
                .position(|&byte| byte == 0)
                .expect("a shorter reply");
            String::from_utf8(wire[..end].to_vec()).expect("UTF-8")
        };
        for ((grant, _), wire) in forms.iter().zip(&wire) {
            self.take_reply(*grant, &reply(wire));
        }
        let last = reply(wire.last().expect("count > 0"));
        let last: Reply = serde_json::from_str(&last).expect("JSON");
        assert!(
            self.peer.accepts(last.access_token),
            "not the access token that was asked for"
        );
        elapsed
    }

    /// The next grant and the form that refreshes it. The stride visits all grants before it repeats
    /// one, and no two neighbours in turn.
    fn next_form(&mut self) -> (usize, String) {
        // 618,033,989 is prime and no divisor of a realistic number of grants.
        let grant = (self.turn % self.grants) * 618_033_989 % self.grants;
        self.turn += 1;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &client_id(grant))
            .append_pair("refresh_token", self.tokens.get(grant))
            .finish();
        (grant, form)
    }

    fn take_reply(&mut self, grant: usize, reply: &str) {
        let reply: Reply = serde_json::from_str(reply).expect("a JSON token response");
        assert!(!reply.access_token.is_empty());
        assert_ne!(
            reply.refresh_token,
            self.tokens.get(grant),
            "the refresh token did not rotate"
        );
        self.tokens.set(grant, reply.refresh_token);
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    access_token: &'a str,
    refresh_token: &'a str,
}

/// One slot a grant in one allocation that is resident from the start, so that what the clients hold
/// does not count as the peer's memory.
struct Tokens {
    bytes: Vec<u8>,
    len: usize,
}

impl Tokens {
    fn new(grants: usize, len: usize) -> Self {
        // Written, not zeroed by the kernel on demand.
        Tokens {
            bytes: vec![b'-'; grants * len],
            len,
        }
    }

    fn get(&self, grant: usize) -> &str {
        str::from_utf8(&self.bytes[grant * self.len..][..self.len]).expect("text was put in")
    }

    fn set(&mut self, grant: usize, token: &str) {
        assert_eq!(
            token.len(),
            self.len,
            "a peer's refresh tokens are all of one length"
        );
        self.bytes[grant * self.len..][..self.len].copy_from_slice(token.as_bytes());
    }
}
