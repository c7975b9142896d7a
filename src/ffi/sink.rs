//! `grl_sink`: where a callback writes what it has to say.

use crate::error::Status;
use crate::ffi::guard::shield;
use crate::ffi::types::grl_str;
use crate::store::Key;

/// Takes what a callback has to say. The engine's; gone when the callback returns.
pub struct grl_sink {
    bytes: Vec<u8>,
    takes: Takes,
    refused: bool,
}

/// What a sink takes; a callback that writes without end gets an error.
enum Takes {
    /// So many bytes at the most, in whatever pieces.
    Bytes(usize),
    /// Keys, each in a write of its own: a host that writes them in hexadecimal is found out.
    Keys,
}

/// More than any claims or signature of a host's.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// More than any record; also the keys of 16 million grants.
pub(super) const MAX_STORED_BYTES: usize = 256 * 1024 * 1024;

impl grl_sink {
    /// For claims or a signature.
    pub(super) fn for_answer() -> Self {
        grl_sink::new(Takes::Bytes(MAX_ANSWER_BYTES))
    }

    /// For the body of a record.
    pub(super) fn for_body() -> Self {
        grl_sink::new(Takes::Bytes(MAX_STORED_BYTES))
    }

    /// For the keys of records.
    pub(super) fn for_keys() -> Self {
        grl_sink::new(Takes::Keys)
    }

    fn new(takes: Takes) -> Self {
        grl_sink {
            bytes: Vec::new(),
            takes,
            refused: false,
        }
    }

    /// All that was written; nothing where a part of it was refused, whatever the callback made of that.
    pub(super) fn written(self) -> Option<Vec<u8>> {
        (!self.refused).then_some(self.bytes)
    }

    fn takes(&self, data: &[u8]) -> bool {
        let len = self.bytes.len() + data.len();
        match self.takes {
            Takes::Bytes(max) => len <= max,
            Takes::Keys => data.len() == Key::LEN && len <= MAX_STORED_BYTES,
        }
    }
}

/// Appends a copy of `data`.
///
/// Errors: GRL_USAGE_NULL; GRL_USAGE past 64 KiB of claims or signature and past 256 MiB of a store's,
/// and for keys of another length than theirs. Nothing is appended then, and what called the callback
/// fails whatever the callback returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_sink_write(sink: *mut grl_sink, data: grl_str) -> Status {
    shield(Status::Panic, || {
        // SAFETY: NULL or the sink that a callback was given, by contract.
        let Some(sink) = (unsafe { sink.as_mut() }) else {
            return Status::UsageNull;
        };
        // SAFETY: bytes, by contract.
        let status = match unsafe { data.bytes("data") } {
            Ok(data) if sink.takes(data) => {
                sink.bytes.extend_from_slice(data);
                Status::Ok
            }
            Ok(_) => Status::Usage,
            Err(error) => error.status(),
        };
        sink.refused |= status != Status::Ok;
        status
    })
}
