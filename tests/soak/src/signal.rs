//! What happens while a server lives, for whoever decides when it is killed.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use rustix::fs::inotify;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A server listens there.
    Listening(String),
    /// An incident was acknowledged.
    Acknowledged,
    /// A server-sent event with this word.
    Event(String),
    /// A file beside the casebook was written.
    Written(String),
    /// A webhook came.
    Noticed,
    /// An effect of a skill came.
    Affected,
    /// The server at that address ended its events: it is gone.
    Gone(String),
}

/// Where signals go: to whoever listens now.
#[derive(Debug, Clone, Default)]
pub struct Bus(Arc<Mutex<Option<Sender<Signal>>>>);

impl Bus {
    /// From now on they go there.
    pub fn lead(&self, to: Sender<Signal>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
    }

    /// Tells whoever listens; nobody has to.
    pub fn send(&self, signal: Signal) {
        if let Some(to) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = to.send(signal);
        }
    }
}

/// Tells of every write to a file in a folder, until the process ends: see inotify(7).
pub fn watch(folder: &Path, bus: Bus) -> Result<()> {
    let watched = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watched, folder, inotify::WatchFlags::MODIFY)?;
    std::thread::spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut reader = inotify::Reader::new(watched, &mut buffer);
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(CStr::to_string_lossy).unwrap_or_default();
            bus.send(Signal::Written(name.into_owned()));
        }
    });
    Ok(())
}
