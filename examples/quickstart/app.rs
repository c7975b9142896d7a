//! What the app knows, and where it keeps it: a file here, a Keychain in a real one.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private_file::{beside, write_new};

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct App {
    /// How many steps of the story are done, after the first.
    pub(crate) done: usize,
    pub(crate) code: String,
    /// All of the session, the newest last. A real app keeps that one and no other.
    pub(crate) tokens: Vec<Tokens>,
    /// Without one it forgets all when it ends.
    #[serde(skip)]
    file: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl App {
    pub(crate) fn load(store: Option<&Path>) -> Result<Self> {
        let Some(store) = store else {
            return Ok(App::default());
        };
        let file = beside(store, ".app");
        let name = file.display();
        let app = match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json).map_err(Error::from),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(App::default()),
            Err(error) => Err(error),
        };
        let app: App = app.map_err(|error| Error::other(format!("{name}: {error}")))?;
        let next = app.done + 2;
        println!("   The app notes what it knows in {name}, and goes on with step {next}.");
        if next == 2 {
            println!(
                "   With --pause there is time to kill this process. Start it again, and it goes on."
            );
        }
        Ok(App {
            file: Some(file),
            ..app
        })
    }

    /// Notes what it knows now: whole or not at all, and on the disk before this returns.
    pub(crate) fn note(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let fresh = beside(file, ".new");
        let _ = fs::remove_file(&fresh);
        write_new(&fresh, &serde_json::to_vec(self)?)?;
        fs::rename(&fresh, file)?;
        sync_folder(file)
    }

    /// At the end of the story: what it knew is of no more use.
    pub(crate) fn forget(self) -> Result<()> {
        let Some(file) = self.file else {
            return Ok(());
        };
        fs::remove_file(file)?;
        println!(
            "\nThat was the story. The same command tells it once more, with the same engine."
        );
        Ok(())
    }

    pub(crate) fn token(&self, index: usize) -> Result<&Tokens> {
        let missing = || Error::other("the app has not got that token");
        self.tokens.get(index).ok_or_else(missing)
    }

    pub(crate) fn newest(&self) -> Result<&Tokens> {
        self.token(self.tokens.len().saturating_sub(1))
    }
}

/// A new name is on the disk when its folder is. Windows has no such call, and does it by itself.
fn sync_folder(file: &Path) -> Result<()> {
    match std::path::absolute(file)?.parent() {
        Some(folder) if cfg!(unix) => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
