//! What was posted to the local app and what it has answered, on the laptop's own disk until the server
//! has kept it: a run that is killed leaves at most one delivery of a provider of which nobody knows
//! whether it was taken, and the next run knows which.
//!
//! A journal names deliveries by their ids, which are unique. So one that is old, cut short or lost costs
//! a repeat, or the word that it is one, and nothing else; and nothing is synced: what was written before
//! a kill is there after it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use ring::digest;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::hand::MOST_ACKS;
use crate::webhooks::delivery::{DeliveryId, Outcome, Receipt};

/// The journal of a provider, for one follower.
#[derive(Debug, Default)]
pub(super) struct Journal {
    file: Option<File>,
    /// What earlier runs have finished.
    finished: BTreeMap<DeliveryId, Receipt>,
    /// The last tries that earlier runs have begun.
    begun: BTreeMap<DeliveryId, u32>,
    /// The last records, as many as there can be receipts that the server has not kept.
    recent: VecDeque<Vec<u8>>,
    length: usize,
}

/// What is written.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    /// A try begins.
    Begun { delivery: DeliveryId, attempt: u32 },
    /// It was the last.
    Finished(Receipt),
}

impl Journal {
    /// Opens the journal in a folder, which is made if it is not there. Without one that can be opened
    /// deliveries come all the same.
    pub(super) fn open(folder: Option<&Path>, follower: &str, provider: &str) -> Self {
        let Some(folder) = folder else {
            return Self::default();
        };
        Self::read(folder, &file_name(follower, provider)).unwrap_or_else(|error| {
            warn!("no journal in {}: {error}", folder.display());
            Self::default()
        })
    }

    fn read(folder: &Path, name: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join(name))?;
        let mut bytes = Vec::new();
        (&file).take(LONGEST as u64 * 2).read_to_end(&mut bytes)?;
        let mut journal = Self::default();
        let mut rest = &bytes[..];
        // The last record may be cut, and what follows a rewritten one may be anything.
        while let Ok((record, after)) = postcard::take_from_bytes::<Record>(rest) {
            journal.remember(rest[..rest.len() - after.len()].to_vec());
            match record {
                Record::Begun { delivery, attempt } => {
                    journal.begun.insert(delivery, attempt);
                }
                Record::Finished(receipt) => {
                    journal.finished.insert(receipt.delivery, receipt);
                }
            }
            rest = after;
        }
        journal.length = bytes.len() - rest.len();
        // What is noted next stands behind what can be read: behind a cut record nobody would find it.
        file.set_len(journal.length as u64)?;
        file.seek(SeekFrom::Start(journal.length as u64))?;
        journal.file = Some(file);
        Ok(journal)
    }

    /// Forgets what earlier runs have finished: whoever asks for what was there before wants it again.
    pub(super) fn forget(&mut self) {
        self.finished.clear();
    }

    /// Takes out what an earlier run has heard of a delivery, if it has.
    pub(super) fn finished(&mut self, delivery: DeliveryId) -> Option<Receipt> {
        self.finished.remove(&delivery)
    }

    /// Returns the last try of a delivery that an earlier run has begun; 0 if it has not.
    pub(super) fn begun(&self, delivery: DeliveryId) -> u32 {
        self.begun.get(&delivery).copied().unwrap_or_default()
    }

    /// Notes that a try begins.
    pub(super) fn begin(&mut self, delivery: DeliveryId, attempt: u32) {
        self.write(&Record::Begun { delivery, attempt });
    }

    /// Notes a delivery's last receipt, before the next is posted.
    pub(super) fn note(&mut self, receipt: &Receipt) {
        self.write(&Record::Finished(short(receipt)));
    }

    fn write(&mut self, record: &Record) {
        let Some(file) = &mut self.file else { return };
        let Ok(record) = postcard::to_stdvec(record) else {
            return;
        };
        self.length += record.len();
        let written = if self.length > LONGEST {
            self.remember(record);
            self.rewrite()
        } else {
            let written = file.write_all(&record);
            self.remember(record);
            written
        };
        if let Err(error) = written {
            warn!("the journal cannot be written any more: {error}");
            self.file = None;
        }
    }

    fn remember(&mut self, record: Vec<u8>) {
        if self.recent.len() > MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// Writes the last records over the first, and cuts off the rest.
    fn rewrite(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let records = self.recent.make_contiguous().concat();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&records)?;
        file.set_len(records.len() as u64)?;
        self.length = records.len();
        Ok(())
    }
}

/// Returns a receipt without the headers and the body of the answer, which may be long, and private.
fn short(receipt: &Receipt) -> Receipt {
    let mut receipt = receipt.clone();
    if let Outcome::Answered(answer) = &mut receipt.outcome {
        answer.cut |= !answer.body.is_empty();
        answer.headers.clear();
        answer.body.clear();
    }
    receipt
}

/// Returns a name that no provider can choose: theirs come from the server.
fn file_name(follower: &str, provider: &str) -> String {
    let name = format!("{follower}\0{provider}");
    let digest = digest::digest(&digest::SHA256, name.as_bytes());
    let digits = digest.as_ref().iter().take(16);
    let name: String = digits.map(|byte| format!("{byte:02x}")).collect();
    format!("{name}.receipts")
}

/// Of each delivery that it was begun and finished, and a few more tries.
const MOST_RECENT: usize = 3 * MOST_ACKS;

/// A few thousand records; as many as there can be receipts that nobody has kept take a fifth of it.
const LONGEST: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webhooks::delivery::{Answer, Header};

    fn receipt(number: u64) -> Receipt {
        Receipt {
            delivery: DeliveryId::new(number, 7),
            sequence: number,
            attempt: 1,
            at: 1_795_000_000_000,
            took: Duration::from_millis(3),
            outcome: Outcome::Answered(Answer {
                status: 200,
                headers: vec![Header::new("set-cookie", "private")],
                body: b"private".to_vec().into(),
                length: 7,
                cut: false,
            }),
        }
    }

    fn known(journal: &mut Journal, numbers: std::ops::Range<u64>) -> usize {
        let ids = numbers.map(|number| DeliveryId::new(number, 7));
        ids.filter_map(|id| journal.finished(id)).count()
    }

    #[test]
    fn what_was_noted_before_a_kill_is_known_once_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = |follower: &str| Journal::open(Some(folder.path()), follower, "../stripe");
        let mut journal = open("laptop");
        (1..=3).for_each(|number| journal.note(&receipt(number)));
        journal.begin(DeliveryId::new(4, 7), 2);
        journal.begin(DeliveryId::new(4, 7), 3);
        drop(journal);
        let mut after = open("laptop");
        let again = after.finished(DeliveryId::new(2, 7)).unwrap();
        assert_eq!((again.sequence, again.outcome.is_delivered()), (2, true));
        assert_eq!(
            [2, 4, 5].map(|number| after.begun(DeliveryId::new(number, 7))),
            [0, 3, 0]
        );
        assert_eq!(after.finished(DeliveryId::new(2, 7)), None);
        assert_eq!(known(&mut open("another"), 0..9), 0);
        let kept = std::fs::read_dir(folder.path()).unwrap().flatten();
        for file in kept {
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"private"));
        }
    }

    #[test]
    fn a_journal_that_is_cut_short_or_nonsense_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(Some(folder.path()), "laptop", "stripe");
        (1..=3).for_each(|number| journal.note(&receipt(number)));
        let path = folder.path().join(file_name("laptop", "stripe"));
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let mut journal = Journal::open(Some(folder.path()), "laptop", "stripe");
            assert_eq!(known(&mut journal, 0..9), length * 3 / bytes.len());
        }
        std::fs::write(&path, [0xff; 500]).unwrap();
        let mut journal = Journal::open(Some(folder.path()), "laptop", "stripe");
        assert_eq!(known(&mut journal, 0..9), 0);
    }

    #[test]
    fn what_is_noted_behind_a_torn_end_is_known_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Journal::open(Some(folder.path()), "laptop", "stripe");
        let mut journal = open();
        (1..=3).for_each(|number| journal.note(&receipt(number)));
        drop(journal);
        let path = folder.path().join(file_name("laptop", "stripe"));
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let mut journal = open();
            journal.begin(DeliveryId::new(4, 7), 2);
            journal.note(&receipt(4));
            drop(journal);
            let mut journal = open();
            assert_eq!(journal.begun(DeliveryId::new(4, 7)), 2, "{length}");
            let whole = length * 3 / bytes.len();
            assert_eq!(known(&mut journal, 0..9), whole + 1, "{length}");
        }
    }

    #[test]
    fn a_long_journal_keeps_the_last_and_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(Some(folder.path()), "laptop", "stripe");
        (1..=10_000).for_each(|number| journal.note(&receipt(number)));
        let path = folder.path().join(file_name("laptop", "stripe"));
        assert!(std::fs::metadata(path).unwrap().len() <= LONGEST as u64);
        let mut journal = Journal::open(Some(folder.path()), "laptop", "stripe");
        let last = MOST_ACKS as u64;
        assert_eq!(known(&mut journal, 10_001 - last..10_001), MOST_ACKS);
    }

    #[test]
    fn without_a_folder_nothing_is_known_and_nothing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for folder in [None, Some(file.as_path())] {
            let mut journal = Journal::open(folder, "laptop", "stripe");
            journal.note(&receipt(1));
            assert_eq!(known(&mut journal, 0..9), 0);
        }
    }
}
