//! Cursors: where a chunk ended, as the server writes it for itself.
//!
//! A cursor is the key of the chunk's last row. Where the key itself is personal data, it is
//! sealed: a client keeps the cursor, and may learn nothing from it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sanitize::{PseudonymKey, Treatment};
use serde::{Deserialize, Serialize};

use super::table::KeyValues;
use super::wire::{Cursor, TablePlan};

/// Writes and reads the cursors of one table.
pub(super) struct Cursors {
    seal: Option<LessSafeKey>,
    table: [u8; 32],
}

#[derive(Serialize, Deserialize)]
enum Written {
    Open(KeyValues),
    Sealed {
        nonce: [u8; NONCE_LEN],
        sealed: Vec<u8>,
    },
}

impl Cursors {
    /// Prepares for a table, whose `fingerprint` every sealed cursor is bound to.
    pub(super) fn new(plan: &TablePlan, fingerprint: [u8; 32], key: &PseudonymKey) -> Self {
        let personal = plan
            .table
            .key
            .iter()
            .filter_map(|&at| plan.columns.get(usize::from(at)))
            .any(|column| column.treatment != Treatment::Keep);
        let seal = personal.then(|| {
            let bytes = key.derive("cursor");
            // The only error is a key of another length than 32 bytes.
            UnboundKey::new(&AES_256_GCM, bytes.as_ref())
                .ok()
                .map(LessSafeKey::new)
        });
        Self {
            seal: seal.flatten(),
            table: fingerprint,
        }
    }

    /// Writes the cursor behind the row with this key; `None` if the system has no random bytes
    /// to seal it with, and the table then starts anew after a loss.
    pub(super) fn write(&self, key: &KeyValues) -> Option<Cursor> {
        let written = match &self.seal {
            None => postcard::to_stdvec(&Written::Open(key.clone())).ok()?,
            Some(seal) => {
                let mut nonce = [0; NONCE_LEN];
                SystemRandom::new().fill(&mut nonce).ok()?;
                let mut sealed = postcard::to_stdvec(key).ok()?;
                let aad = Aad::from(self.table);
                let unique = Nonce::assume_unique_for_key(nonce);
                seal.seal_in_place_append_tag(unique, aad, &mut sealed)
                    .ok()?;
                postcard::to_stdvec(&Written::Sealed { nonce, sealed }).ok()?
            }
        };
        Some(Cursor(written))
    }

    /// Reads a cursor that this server, or one with the same pseudonym key, has written for this
    /// table; `None` if it is none.
    pub(super) fn read(&self, cursor: &Cursor) -> Option<KeyValues> {
        match (postcard::from_bytes(&cursor.0).ok()?, &self.seal) {
            (Written::Open(key), None) => Some(key),
            (Written::Sealed { nonce, mut sealed }, Some(seal)) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let opened = seal
                    .open_in_place(nonce, Aad::from(self.table), &mut sealed)
                    .ok()?;
                postcard::from_bytes(opened).ok()
            }
            // An open cursor where the key is personal is none of ours.
            (Written::Open(_), Some(_)) | (Written::Sealed { .. }, None) => None,
        }
    }
}
