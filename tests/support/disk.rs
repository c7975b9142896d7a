//! Every crash point of a program: what its files may look like after the process was killed, or the
//! power failed, between any two of its operations on them. For Linux.
//!
//! A child runs under `tests/crash/record.c` (see [`build_recorder`] and [`record`]), which writes down
//! what it does to the files of one folder. [`parse`] reads that log, a [`Disk`] is told the operations
//! one after another, and its [`image`](Disk::image) after any of them is laid out by [`write_image`]
//! for the program to open again:
//!
//! ```ignore
//! let mut disk = Disk::default();
//! for op in parse(&fs::read(log)?) {
//!     disk.apply(&op);
//!     write_image(&disk.image(Loss::All), &empty_folder);
//!     // … open it, and look whether all is there that was promised.
//! }
//! assert_eq!(disk.image(Loss::None), read_image(&dir)); // The log missed nothing.
//! ```
//!
//! What the model takes for granted, and nothing more:
//!
//! - fsync and fdatasync of a file make its content and its size durable, and also the name under which
//!   it was created (ext4 does that; POSIX does not ask for it).
//! - fsync of a folder makes durable which names are in it: files created, removed and renamed.
//! - A rename happens or does not; it says nothing about the content of the file.
//! - A sector of 512 bytes is written as a whole, as it was at some moment. Sectors are written in any
//!   order, whatever the order of the calls.
//! - Whatever is not yet synced may or may not survive, names independently of contents. Only what is done
//!   to one name, or to one sector, keeps its order.
//!
//! Folders are there always; hard links, symbolic links and permissions do not exist. A sync that failed
//! (`GRL_FAIL_AT`) promises nothing, but the next one that succeeds covers what it should have: a kernel
//! that forgets dirty pages after a failed fsync is not modelled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of a folder: the path below it, and the content.
pub type Image = BTreeMap<PathBuf, Vec<u8>>;

const SECTOR: u64 = 512;

/// Compiles `tests/crash/record.c` into `folder`, and says where the shared object is.
pub fn build_recorder(folder: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/record.c");
    let object = folder.join("record.so");
    let made = Command::new("gcc")
        .args("-std=gnu99 -O1 -Wall -Wextra -Werror -shared -fPIC -o".split(' '))
        .args([object.as_os_str(), source.as_ref(), "-ldl".as_ref()])
        .output()
        .unwrap_or_else(|error| panic!("gcc, which makes the recorder, cannot be run: {error}"));
    let complaint = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "gcc {source}:\n{complaint}");
    object
}

/// Has `child` run under the recorder: what it does to the files below `dir` is appended to `log`.
pub fn record<'a>(
    child: &'a mut Command,
    recorder: &Path,
    dir: &Path,
    log: &Path,
) -> &'a mut Command {
    child
        .env("LD_PRELOAD", recorder)
        .env("GRL_RECORD_DIR", dir)
        .env("GRL_RECORD_LOG", log)
}

/// One operation on the files of the recorded folder. Paths are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A file that was not there is there, and empty.
    Create(PathBuf),
    /// These bytes, from this offset on.
    Write(PathBuf, u64, Vec<u8>),
    /// The file has this size, be it less or more than before.
    Truncate(PathBuf, u64),
    /// fsync or fdatasync of a file.
    Sync(PathBuf),
    /// fsync of a folder; the recorded folder itself is `""`.
    SyncDir(PathBuf),
    /// sync_file_range: hurries the disk, but promises nothing.
    SyncRange(PathBuf),
    Unlink(PathBuf),
    /// From, to.
    Rename(PathBuf, PathBuf),
}

/// The operations of a log. One that is cut short at the end, by a kill from outside, is left out.
pub fn parse(mut log: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    while let Some(end) = log.iter().position(|&byte| byte == b'\n') {
        let line = str::from_utf8(&log[..end]).expect("a log of record.c");
        let words: Vec<_> = line.splitn(4, ' ').collect();
        let [operation, offset, length, path] = words[..] else {
            panic!("not a record: {line}");
        };
        let offset = offset.parse().expect("an offset");
        let length = length.parse().expect("a length");
        let Some((bytes, rest)) = log[end + 1..].split_at_checked(length) else {
            break;
        };
        log = rest;
        let path = PathBuf::from(if path == "." { "" } else { path });
        ops.push(match operation {
            "create" => Op::Create(path),
            "write" => Op::Write(path, offset, bytes.to_vec()),
            "truncate" => Op::Truncate(path, offset),
            "sync" => Op::Sync(path),
            "sync_dir" => Op::SyncDir(path),
            "sync_range" => Op::SyncRange(path),
            "unlink" => Op::Unlink(path),
            "rename" => Op::Rename(path, str::from_utf8(bytes).expect("a path").into()),
            _ => panic!("an unknown record: {line}"),
        });
    }
    ops
}

/// What is lost when it all ends here.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// Nothing: the process was killed, and the kernel has all that it was told.
    None,
    /// The power failed, and nothing survived but what was synced.
    All,
    /// The power failed, and of what was not synced an arbitrary part survived, writes torn at sectors.
    /// Which part follows from the seed.
    Some(u64),
}

/// A file system: for every file and name, what the running kernel sees and what is surely on the disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// Never taken out: a name that is not surely gone may still lead here.
    files: Vec<File>,
    names: Names,
    durable_names: Names,
    /// What makes `names` of `durable_names`, in order.
    unsynced: Vec<NameChange>,
}

/// Where in `Disk::files` a name leads.
type Names = BTreeMap<PathBuf, usize>;

/// Where names lead from now on, all at once: a rename changes two.
type NameChange = Vec<(PathBuf, Option<usize>)>;

#[derive(Debug, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// What makes `content` of `durable`, in order: an offset and bytes, or a size.
    unsynced: Vec<(u64, Option<Vec<u8>>)>,
}

impl Disk {
    /// A disk that has held these files, durably, since before the recording.
    pub fn holding(image: Image) -> Self {
        let mut disk = Disk::default();
        for (path, content) in image {
            disk.names.insert(path, disk.files.len());
            let durable = content.clone();
            disk.files.push(File {
                content,
                durable,
                unsynced: Vec::new(),
            });
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    /// Does the operation, as the kernel would.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path) => {
                self.files.push(File::default());
                self.rename(vec![(path.clone(), Some(self.files.len() - 1))]);
            }
            Op::Write(path, offset, bytes) => {
                let file = self.named(path);
                self.files[file].change(*offset, Some(bytes));
            }
            Op::Truncate(path, size) => {
                let file = self.named(path);
                self.files[file].change(*size, None);
            }
            Op::Sync(path) => {
                let file = self.named(path);
                self.files[file].sync();
                // What changes one name only, and leads it here, is the file's creation.
                self.settle(|change| matches!(change[..], [(_, Some(to))] if to == file));
            }
            Op::SyncDir(dir) => self.settle(|change| {
                let mut folders = change.iter().map(|(path, _)| path.parent());
                folders.any(|folder| folder == Some(dir))
            }),
            Op::SyncRange(_) => {}
            Op::Unlink(path) => self.rename(vec![(path.clone(), None)]),
            Op::Rename(from, to) => {
                let file = self.named(from);
                self.rename(vec![(from.clone(), None), (to.clone(), Some(file))]);
            }
        }
    }

    /// What is found when everything is started again. Does not change the disk.
    pub fn image(&self, loss: Loss) -> Image {
        match loss {
            Loss::None => self.files(&self.names, |file| file.content.clone()),
            Loss::All => self.files(&self.durable_names, |file| file.durable.clone()),
            Loss::Some(seed) => {
                let mut random = Random(seed);
                let odds = random.below(9);
                let mut names = self.durable_names.clone();
                for (change, survives) in self.chosen(|_| random.below(8) < odds) {
                    if survives {
                        change_names(&mut names, change);
                    }
                }
                self.files(&names, |file| file.survivor(&mut random))
            }
        }
    }

    fn files(&self, names: &Names, mut content: impl FnMut(&File) -> Vec<u8>) -> Image {
        let found = names.iter();
        found
            .map(|(path, &file)| (path.clone(), content(&self.files[file])))
            .collect()
    }

    fn named(&self, path: &Path) -> usize {
        *self.names.get(path).unwrap_or_else(|| {
            let path = path.display();
            panic!("{path} was there before the recording: start with Disk::holding")
        })
    }

    fn rename(&mut self, change: NameChange) {
        change_names(&mut self.names, &change);
        self.unsynced.push(change);
    }

    /// Makes the changes of names durable that `wanted` picks.
    fn settle(&mut self, wanted: impl FnMut(&NameChange) -> bool) {
        let chosen = self.chosen(wanted);
        let chosen: Vec<_> = chosen
            .map(|(change, pick)| (change.clone(), pick))
            .collect();
        self.unsynced.clear();
        for (change, durable) in chosen {
            if durable {
                change_names(&mut self.durable_names, &change);
            } else {
                self.unsynced.push(change);
            }
        }
    }

    /// Each unsynced change of names, and whether it is picked: one that `wanted` picks takes the earlier
    /// ones of the same names with it.
    fn chosen(
        &self,
        mut wanted: impl FnMut(&NameChange) -> bool,
    ) -> impl Iterator<Item = (&NameChange, bool)> {
        let mut taken = BTreeSet::new();
        let mut picks = Vec::new();
        for change in self.unsynced.iter().rev() {
            let pick = wanted(change) || change.iter().any(|(path, _)| taken.contains(path));
            if pick {
                taken.extend(change.iter().map(|(path, _)| path));
            }
            picks.push(pick);
        }
        self.unsynced.iter().zip(picks.into_iter().rev())
    }
}

fn change_names(names: &mut Names, change: &NameChange) {
    for (path, file) in change {
        match *file {
            Some(file) => names.insert(path.clone(), file),
            None => names.remove(path),
        };
    }
}

impl File {
    fn change(&mut self, at: u64, bytes: Option<&[u8]>) {
        put(&mut self.content, at, bytes);
        self.unsynced.push((at, bytes.map(<[u8]>::to_vec)));
    }

    fn sync(&mut self) {
        self.durable.clone_from(&self.content);
        self.unsynced.clear();
    }

    /// The content after an arbitrary part of the unsynced changes was lost.
    fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let odds = random.below(9); // Of eight: from hardly anything survives to nearly all does.
        let mut sectors = BTreeSet::new();
        let mut survivors = Vec::new();
        // From the last to the first: a sector that has a later change has the earlier ones as well.
        for (at, bytes) in self.unsynced.iter().rev() {
            let survives = random.below(8) < odds;
            let torn = random.below(4) == 0;
            match bytes {
                None if survives => survivors.push((*at, None)),
                None => {}
                Some(bytes) => {
                    for (start, piece) in by_sector(*at, bytes) {
                        let there = if torn { random.below(2) == 0 } else { survives };
                        if there || sectors.contains(&(start / SECTOR)) {
                            sectors.insert(start / SECTOR);
                            survivors.push((start, Some(piece)));
                        }
                    }
                }
            }
        }
        let mut content = self.durable.clone();
        for (at, bytes) in survivors.into_iter().rev() {
            put(&mut content, at, bytes);
        }
        // A file may have got its new size, and zeros for what was to be there.
        if random.below(4) == 0 && content.len() < self.content.len() {
            content.resize(self.content.len(), 0);
        }
        content
    }
}

/// Puts bytes at an offset, or (without bytes) gives the file this size.
fn put(content: &mut Vec<u8>, at: u64, bytes: Option<&[u8]>) {
    let start = usize::try_from(at).expect("a file that fits into memory");
    let end = start + bytes.map_or(0, <[u8]>::len);
    if bytes.is_none() || content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes.unwrap_or_default());
}

/// The parts of a write, each within one sector, with their offsets.
fn by_sector(mut at: u64, mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let room = usize::try_from(SECTOR - at % SECTOR).ok()?;
        let (piece, rest) = bytes.split_at(room.min(bytes.len()));
        let start = at;
        (at, bytes) = (at - at % SECTOR + SECTOR, rest);
        (!piece.is_empty()).then_some((start, piece))
    })
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Lays an image out in a folder, which must be empty.
pub fn write_image(image: &Image, dir: &Path) {
    let mut there = fs::read_dir(dir).expect("a folder for the image");
    assert!(there.next().is_none(), "{} is not empty", dir.display());
    for (path, content) in image {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of the image");
        fs::write(path, content).expect("a file of the image");
    }
}

/// The files below a folder, without `…-shm`, which is not recorded either.
pub fn read_image(dir: &Path) -> Image {
    let mut image = Image::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder to read") {
            let path = entry.expect("a file to read").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().ends_with("-shm") {
                let content = fs::read(&path).expect("a file to read");
                image.insert(
                    path.strip_prefix(dir).expect("below it").to_path_buf(),
                    content,
                );
            }
        }
    }
    image
}
