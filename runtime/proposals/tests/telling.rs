//! Nobody is told twice of what waits, however many parts of the program bring its case on.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{desk, examined, found, record};
use negawatt_casebook::Casebook;
use negawatt_proposals::{Desk, take_up};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// While somebody is told, another part of the program looks for what is left.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_waits_one_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(folder.path()).unwrap();
    let id = record(&book, &found());
    examined(&book, &id, Some("nothing goes by itself"), None);
    let times = Arc::new(AtomicUsize::new(0));
    let counted = times.clone();
    let other = Desk {
        tell: Some(Arc::new(move |_, _, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })),
        ..desk(folder.path(), "")
    };
    let (counted, into, here, looking) = (times.clone(), book.clone(), Handle::current(), other.clone());
    let first = Desk {
        tell: Some(Arc::new(move |_, _, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            let (into, looking) = (into.clone(), looking.clone());
            let looks = here.spawn(async move { take_up(&looking, &into, &CancellationToken::new()).await });
            here.block_on(looks).unwrap().unwrap();
            Ok(())
        })),
        ..other.clone()
    };
    take_up(&first, &book, &CancellationToken::new()).await.unwrap();
    assert_eq!(times.load(Ordering::Relaxed), 1);
    assert!(book.load(&id).unwrap().proposals.all[0].told);
    take_up(&other, &book, &CancellationToken::new()).await.unwrap();
    assert_eq!(times.load(Ordering::Relaxed), 1, "and no more");
}
