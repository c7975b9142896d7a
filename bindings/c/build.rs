//! Names the shared library.

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    name_the_shared_library()
}

/// Before 1.0 every minor version may break the ABI, and has a name of its own; a patch has not.
fn name_the_shared_library() -> Result<()> {
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR")?;
    match std::env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libgrantlet.so.{major}");
        }
        "macos" | "ios" => {
            let name = format!("@rpath/libgrantlet.{major}.dylib");
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,{name}");
        }
        _ => {}
    }
    Ok(())
}
