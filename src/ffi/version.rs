//! Which library this is: compared with the header's constants when a host loads it.

use std::ffi::c_char;

/// The version that this header belongs to.
pub const GRL_VERSION_MAJOR: u32 = 0;
pub const GRL_VERSION_MINOR: u32 = 1;
pub const GRL_VERSION_PATCH: u32 = 0;

/// The binary interface that this header describes. A library fits if grl_abi_version() says the same.
pub const GRL_ABI_VERSION: u32 = 1;

/// Tells the library's version, such as "0.1.0"; it lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn grl_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Tells the library's binary interface; compare it with GRL_ABI_VERSION when you load the library.
#[unsafe(no_mangle)]
pub extern "C" fn grl_abi_version() -> u32 {
    GRL_ABI_VERSION
}
