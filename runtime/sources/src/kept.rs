//! What was made of data that does not change, kept for whoever asks again.
//!
//! Everything that a value depends on is in its key: the names of objects and versions of files, never what is there now. Rights are not
//! in it: they are checked before anybody looks here.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// About what a value takes beside itself: its key twice, and its places.
const ENTRY_BYTES: usize = 300;

/// Values by key, together of at most so many bytes: what nobody asked for the longest goes first.
pub struct Kept<K, V> {
    most: usize,
    known: Mutex<Known<K, V>>,
}

/// Where a value comes to be; `None` in it once it was made and is not to be kept.
type Slot<V> = Arc<OnceLock<Option<V>>>;

struct Known<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// The keys of what is made, by when somebody asked last.
    by_use: BTreeMap<u64, K>,
    /// How often somebody asked.
    uses: u64,
    /// Bytes of what is made.
    bytes: usize,
}

struct Entry<V> {
    slot: Slot<V>,
    /// Its place in `by_use` and its bytes; absent while it is being made.
    made: Option<(u64, usize)>,
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    /// Keeps at most so many bytes.
    pub fn new(most: usize) -> Kept<K, V> {
        let known = Known { entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0 };
        Kept { most, known: Mutex::new(known) }
    }

    /// What is known by this key, or what `make` gives now, with the bytes that it takes where it may be kept.
    ///
    /// Who asks while it is being made waits for it. What is not kept, an error for one, is for whoever made it: the others make their own.
    pub fn get<E>(&self, key: &K, mut make: impl FnMut() -> Result<(V, Option<usize>), E>) -> Result<V, E> {
        let slot = self.slot(key);
        let mut own = None;
        let shared = slot.get_or_init(|| {
            let mut making = Making { kept: self, key, slot: &slot, bytes: None };
            match make() {
                Ok((value, bytes)) => {
                    making.bytes = bytes;
                    own = Some(Ok(value.clone()));
                    bytes.map(|_| value)
                }
                Err(error) => {
                    own = Some(Err(error));
                    None
                }
            }
        });
        match (own, shared) {
            (Some(own), _) => own,
            (None, Some(value)) => Ok(value.clone()),
            (None, None) => make().map(|(value, _)| value),
        }
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let known = &mut *self.known();
        known.uses += 1;
        let Some(entry) = known.entries.get_mut(key) else {
            let slot = Slot::default();
            known.entries.insert(key.clone(), Entry { slot: slot.clone(), made: None });
            return slot;
        };
        if let Some((used, _)) = &mut entry.made
            && let Some(key) = known.by_use.remove(used)
        {
            *used = known.uses;
            known.by_use.insert(*used, key);
        }
        entry.slot.clone()
    }
}

impl<K, V> Kept<K, V> {
    fn known(&self) -> MutexGuard<'_, Known<K, V>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value on its way. When it ends, with a value, without one or by a panic, its key stands for what came of it.
struct Making<'a, K: Clone + Eq + Hash, V> {
    kept: &'a Kept<K, V>,
    key: &'a K,
    slot: &'a Slot<V>,
    /// The bytes of a value that may be kept.
    bytes: Option<usize>,
}

impl<K: Clone + Eq + Hash, V> Drop for Making<'_, K, V> {
    fn drop(&mut self) {
        let known = &mut *self.kept.known();
        // After a panic another one makes it, whose slot is no longer there.
        let Some(entry) = known.entries.get_mut(self.key).filter(|entry| Arc::ptr_eq(&entry.slot, self.slot)) else {
            return;
        };
        let bytes =
            self.bytes.and_then(|bytes| bytes.checked_add(ENTRY_BYTES)).filter(|bytes| *bytes <= self.kept.most);
        let Some(bytes) = bytes else {
            known.entries.remove(self.key);
            return;
        };
        known.uses += 1;
        entry.made = Some((known.uses, bytes));
        known.by_use.insert(known.uses, self.key.clone());
        known.bytes += bytes;
        while known.bytes > self.kept.most
            && let Some((_, oldest)) = known.by_use.pop_first()
        {
            let gone = known.entries.remove(&oldest).and_then(|entry| entry.made);
            known.bytes -= gone.map_or(0, |(_, bytes)| bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    type Numbers = Kept<usize, usize>;

    /// Asks for a number of so many bytes; whether it had to be made.
    fn is_made(kept: &Numbers, number: usize, bytes: Option<usize>) -> bool {
        let mut made = false;
        let value = kept.get(&number, || {
            made = true;
            Ok::<_, Infallible>((number, bytes))
        });
        assert_eq!(value, Ok(number));
        made
    }

    /// Entries and bytes of all of them, which agree with each other.
    fn size(kept: &Numbers) -> (usize, usize) {
        let known = kept.known();
        let bytes: usize = known.entries.values().filter_map(|entry| entry.made).map(|(_, bytes)| bytes).sum();
        assert_eq!((known.by_use.len(), known.bytes), (known.entries.len(), bytes));
        (known.entries.len(), bytes)
    }

    #[test]
    fn what_nobody_asked_for_the_longest_goes_first() {
        let kept = Numbers::new(3 * (100 + ENTRY_BYTES));
        assert!((0..3).all(|number| is_made(&kept, number, Some(100))));
        assert!((0..3).all(|number| !is_made(&kept, number, None)));
        assert!(!is_made(&kept, 0, None) && is_made(&kept, 3, Some(100)), "0 was asked for again, and 1 goes");
        assert!(!is_made(&kept, 0, None) && !is_made(&kept, 2, None) && !is_made(&kept, 3, None));
        assert!(is_made(&kept, 1, None));
        assert!(is_made(&kept, 4, Some(101)), "a larger one takes the place of two");
        assert_eq!(size(&kept), (2, 201 + 2 * ENTRY_BYTES));
    }

    #[test]
    fn what_is_too_large_or_not_to_be_kept_takes_no_room() {
        let kept = Numbers::new(1_000);
        for _ in 0..2 {
            assert!(is_made(&kept, 0, None) && is_made(&kept, 1, Some(1_000)) && is_made(&kept, 2, Some(usize::MAX)));
            assert_eq!(kept.get(&3, || Err("broken")), Err("broken"));
        }
        assert_eq!(size(&kept), (0, 0));
    }

    #[test]
    fn many_cases_take_no_more_room_than_a_few() {
        let kept = Numbers::new(100_000);
        assert!((0..100_000).all(|number| is_made(&kept, number, Some(number % 1_000))));
        let (entries, bytes) = size(&kept);
        assert!((70..90).contains(&entries) && (98_000..=100_000).contains(&bytes), "{entries} of {bytes} bytes");
    }

    /// Lets eight ask for a number at once. What the first of them makes of it ends when all the others wait for it. How many got it, and
    /// how often it was made.
    fn at_once(kept: &Numbers, first: impl Fn() -> Result<(usize, Option<usize>), ()> + Sync) -> (usize, usize) {
        let makers = AtomicUsize::new(0);
        let make = || {
            if makers.fetch_add(1, Ordering::Relaxed) > 0 {
                return Ok((7, Some(1)));
            }
            // The slot is the entry's and the askers'.
            while Arc::strong_count(&kept.known().entries[&7].slot) < 9 {
                thread::yield_now();
            }
            first()
        };
        let got = thread::scope(|scope| {
            let askers: Vec<_> = (0..8).map(|_| scope.spawn(|| kept.get(&7, make).is_ok())).collect();
            askers.into_iter().filter_map(|asker| asker.join().ok()).filter(|got| *got).count()
        });
        (got, makers.into_inner())
    }

    #[test]
    fn who_asks_meanwhile_waits_for_what_is_being_made() {
        let kept = Numbers::new(1_000);
        assert_eq!(at_once(&kept, || Ok((7, Some(1)))), (8, 1));
        assert!(!is_made(&kept, 7, None));
        let kept = Numbers::new(1_000);
        assert_eq!(
            at_once(&kept, || Ok((7, Some(1_000)))),
            (8, 1),
            "what is too large to be kept is waited for as well"
        );
        assert!(is_made(&kept, 7, None));
    }

    #[test]
    fn an_error_or_a_panic_is_nobody_elses() {
        let kept = Numbers::new(1_000);
        assert_eq!(at_once(&kept, || Err(())), (7, 8));
        assert_eq!(at_once(&kept, || Ok((7, None))), (8, 8), "nor what is not to be kept");
        assert_eq!(at_once(&kept, || panic!("the first one")), (7, 2));
        assert_eq!(size(&kept), (0, 0));
        assert!(is_made(&kept, 7, Some(1)) && !is_made(&kept, 7, None));
    }
}
