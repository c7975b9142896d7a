//! For the test that keeps the C header in step: generates it.

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "header")]
    header::generate()?;
    Ok(())
}

/// The header: cbindgen writes the items, `grantlet.h.in` says where each one stands.
#[cfg(feature = "header")]
mod header {
    use std::path::PathBuf;

    use super::Result;

    const TEMPLATE: &str = "src/ffi/grantlet.h.in";
    const CONFIG: &str = "src/ffi/cbindgen.toml";
    /// In the order in which a wildcard lists what they hold.
    const SOURCES: [&str; 11] = [
        "src/error.rs",
        "src/ffi/version.rs",
        "src/ffi/types.rs",
        "src/ffi/json.rs",
        "src/ffi/error.rs",
        "src/ffi/sink.rs",
        "src/ffi/store.rs",
        "src/ffi/host.rs",
        "src/ffi/engine.rs",
        "src/ffi/authorization.rs",
        "src/ffi/http.rs",
    ];
    /// Parameters, fields and results that may be NULL; `free` takes NULL too.
    const MAY_BE_NULL: [&str; 11] = [
        "buffer",
        "ctx",
        "error",
        "grl_error_redirect",
        "headers",
        "host",
        "ptr",
        "removed",
        "revoked",
        "scope",
        "store",
    ];

    pub(super) fn generate() -> Result<()> {
        let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
        let mut builder = cbindgen::Builder::new();
        for file in [TEMPLATE, CONFIG].iter().chain(&SOURCES) {
            println!("cargo::rerun-if-changed={file}");
        }
        for source in SOURCES {
            builder = builder.with_src(root.join(source));
        }
        let mut bare = Vec::new();
        builder
            .with_config(cbindgen::Config::from_file(root.join(CONFIG))?)
            .generate()?
            .write(&mut bare);
        let items = items(&String::from_utf8(bare)?);
        let header = fill(&std::fs::read_to_string(root.join(TEMPLATE))?, items)?;
        let out = PathBuf::from(std::env::var("OUT_DIR")?);
        Ok(std::fs::write(out.join("grantlet.h"), header)?)
    }

    /// One declaration with its comment.
    struct Item {
        name: String,
        text: String,
    }

    fn items(bare: &str) -> Vec<Item> {
        let texts = bare
            .split("\n\n")
            .map(str::trim)
            .filter(|text| !text.is_empty());
        texts
            .map(|text| Item {
                name: name(text).to_owned(),
                text: nullability(&one_line_start(&enum_macro(text)))
                    .replace("GRL_STATUS_", "GRL_")
                    .replace("struct grl_", "grl_")
                    .replace("typedef grl_", "typedef struct grl_")
                    .replace("[`", "")
                    .replace("`]", ""),
            })
            .collect()
    }

    /// What a declaration declares.
    fn name(text: &str) -> &str {
        let is_code = |line: &&str| !line.starts_with("//");
        let code = text.lines().find(is_code).unwrap_or_default();
        for keyword in ["#define ", "enum ", "typedef struct "] {
            if let Some(rest) = code.strip_prefix(keyword) {
                return rest.split([' ', ';']).next().unwrap_or_default();
            }
        }
        // A function: the word before its parameters.
        let code = &text[text.find(code).unwrap_or_default()..];
        let declarator = code.split('(').next().unwrap_or_default();
        declarator
            .rsplit([' ', '*', '\n'])
            .next()
            .unwrap_or_default()
    }

    /// cbindgen writes `#[repr(i32)]` as a three-way `#if`; a macro of the template's reads better,
    /// and gives Swift an open enum.
    fn enum_macro(text: &str) -> String {
        let Some((comment, rest)) = text.split_once("enum grl_status\n") else {
            return text.to_owned();
        };
        let (_, rest) = rest.split_once("{\n").unwrap_or_default();
        let (variants, _) = rest.split_once("};").unwrap_or_default();
        let mut out = format!("{comment}GRL_ENUM(int32_t, grl_status) {{\n");
        let mut variant = String::new();
        let mut before_was_reason = true;
        for line in variants.lines() {
            variant.extend([line, "\n"]);
            if !line.ends_with(',') || line.trim_start().starts_with("//") {
                continue;
            }
            // A class with reasons, and what follows it, stand apart.
            let is_reason = line.contains('|');
            if !is_reason && before_was_reason && !out.ends_with("{\n") {
                out.push('\n');
            }
            before_was_reason = is_reason;
            out += &std::mem::take(&mut variant)
                .replace("= (", "= ")
                .replace(")),\n", "),\n");
        }
        out + "};"
    }

    /// cbindgen breaks a long declaration behind its attributes.
    fn one_line_start(text: &str) -> String {
        let mut text = text.to_owned();
        for attribute in ["GRL_MUST_USE", "GRL_API"] {
            if let Some((before, after)) = text.split_once(&format!("{attribute}\n")) {
                let indent = format!("\n{}", " ".repeat(attribute.len() + 1));
                text = format!("{before}{attribute} {}", after.replace('\n', &indent));
            }
        }
        text
    }

    /// The template assumes that no pointer is NULL. What cbindgen marks as nullable stays so where
    /// NULL is allowed; a pointer to a pointer has to say it of both.
    fn nullability(text: &str) -> String {
        const MARK: &str = "*GRL_NULLABLE ";
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(MARK) {
            out.push_str(before);
            let name: &str = &after[..after.find([')', ',', ';', '(']).unwrap_or(after.len())];
            let is_callback = before.ends_with('(');
            let is_outer_of_two = before.is_empty() && out.ends_with(MARK);
            let is_inner_of_two = after.starts_with(MARK);
            let may_be_null = MAY_BE_NULL.contains(&name) || text.contains("_free(");
            out.push_str(match () {
                () if is_callback || is_inner_of_two || may_be_null => MARK,
                () if is_outer_of_two => "*GRL_NONNULL ",
                () => "*",
            });
            rest = after;
        }
        out + rest
    }

    /// Puts every item in its place: `@name@`, or `@prefix_*@` for all that have no place of their own.
    fn fill(template: &str, mut items: Vec<Item>) -> Result<String> {
        let places: Vec<&str> = template.lines().filter_map(place).collect();
        let mut header = String::new();
        for line in template.lines() {
            let Some(place) = place(line) else {
                header.extend([line, "\n"]);
                continue;
            };
            let fits = |item: &Item| match place.strip_suffix('*') {
                None => item.name == place,
                Some(prefix) => {
                    item.name.starts_with(prefix) && !places.contains(&item.name.as_str())
                }
            };
            let texts: Vec<String> = items
                .extract_if(.., |item| fits(item))
                .map(|item| item.text)
                .collect();
            if texts.is_empty() {
                return Err(format!("{TEMPLATE}: there is no {place}").into());
            }
            header.extend([texts.join("\n\n").as_str(), "\n"]);
        }
        match items.first() {
            Some(Item { name, .. }) => Err(format!("{TEMPLATE}: {name} has no place").into()),
            None => Ok(header),
        }
    }

    fn place(line: &str) -> Option<&str> {
        line.strip_prefix('@')?.strip_suffix('@')
    }
}
