//! Cursors: where a chunk ended, as the server writes it for itself.
//!
//! A cursor is the key of the chunk's last row. Where the key itself is personal data, it is
//! sealed: a client keeps the cursor, and may learn nothing from it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sanitize::{PseudonymKey, Treatment};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::table::KeyValues;
use super::wire::{Cursor, TablePlan};

/// Writes and reads the cursors of one table.
#[derive(Debug)]
pub(super) struct Cursors {
    seal: Seal,
    table: [u8; 32],
}

/// Whether a client may read the key of a row.
#[derive(Debug)]
enum Seal {
    /// It may: the key's columns leave as they are.
    Open,
    /// It may not: one of them is treated.
    Sealed(Box<LessSafeKey>),
}

/// The cursors of a table whose key is personal cannot be sealed, so its rows are not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the server cannot seal the places to go on from")]
pub(super) struct SealError;

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
    ///
    /// # Errors
    /// [`SealError`] if the key is personal and there is nothing to seal it with.
    pub(super) fn new(
        plan: &TablePlan,
        fingerprint: [u8; 32],
        key: &PseudonymKey,
    ) -> Result<Self, SealError> {
        let mut columns = plan
            .table
            .key
            .iter()
            .map(|&at| plan.columns.get(usize::from(at)));
        let is_kept = columns.all(|column| {
            // A key column that the plan does not speak of is not known to be harmless.
            column.is_some_and(|column| column.treatment == Treatment::Keep)
        });
        let seal = if is_kept {
            Seal::Open
        } else {
            Seal::with(key.derive("cursor").as_ref())?
        };
        Ok(Self {
            seal,
            table: fingerprint,
        })
    }

    /// Writes the cursor behind the row with this key; `None` if the system has no random bytes
    /// to seal it with, and the table then starts anew after a loss.
    pub(super) fn write(&self, key: &KeyValues) -> Option<Cursor> {
        let written = match &self.seal {
            Seal::Open => postcard::to_stdvec(&Written::Open(key.clone())).ok()?,
            Seal::Sealed(seal) => {
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
            (Written::Open(key), Seal::Open) => Some(key),
            (Written::Sealed { nonce, mut sealed }, Seal::Sealed(seal)) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let opened = seal
                    .open_in_place(nonce, Aad::from(self.table), &mut sealed)
                    .ok()?;
                postcard::from_bytes(opened).ok()
            }
            // An open cursor where the key is personal is none of ours.
            (Written::Open(_), Seal::Sealed(_)) | (Written::Sealed { .. }, Seal::Open) => None,
        }
    }
}

impl Seal {
    fn with(key: &[u8]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError)?;
        Ok(Self::Sealed(Box::new(LessSafeKey::new(key))))
    }
}

#[cfg(test)]
mod tests {
    use sanitize::{Persona, ValueKind};

    use super::*;
    use crate::sync::table::{Column, KeyValue, Table, TableName};
    use crate::sync::wire::ColumnPlan;

    /// Returns the plan of a table whose key is its only column.
    fn plan(treatment: Treatment) -> TablePlan {
        let column = Column {
            name: "email".into(),
            declared: "text".into(),
            kind: ValueKind::Text,
            max_chars: None,
            nullable: false,
            generated: false,
        };
        TablePlan {
            table: Table {
                name: TableName {
                    schema: None,
                    name: "users".into(),
                },
                columns: vec![column],
                key: vec![0],
                unique: Vec::new(),
                parents: Vec::new(),
                estimated_rows: 1,
            },
            columns: vec![ColumnPlan {
                treatment,
                reason: String::new(),
            }],
            rows: 1,
            limit: None,
        }
    }

    fn cursors(treatment: Treatment, table: u8) -> Cursors {
        let key = PseudonymKey::from_secret("a pseudonym key of the tests");
        Cursors::new(&plan(treatment), [table; 32], &key).unwrap()
    }

    fn ada() -> KeyValues {
        vec![KeyValue::Text("ada@corp.test".into())]
    }

    fn shows_ada(cursor: &Cursor) -> bool {
        cursor.0.windows(3).any(|bytes| bytes == b"ada")
    }

    #[test]
    fn a_cursor_leads_back_to_its_row_and_shows_it_only_where_the_key_is_kept() {
        for (treatment, shown) in [
            (Treatment::Keep, true),
            (Treatment::Pseudonymise(Persona::Email), false),
        ] {
            let cursors = cursors(treatment, 1);
            let cursor = cursors.write(&ada()).unwrap();
            assert_eq!(shows_ada(&cursor), shown);
            assert_eq!(cursors.read(&cursor), Some(ada()));
        }
    }

    #[test]
    fn a_cursor_of_another_table_or_another_treatment_is_none() {
        let personal = || Treatment::Pseudonymise(Persona::Email);
        let sealed = cursors(personal(), 1).write(&ada()).unwrap();
        let open = cursors(Treatment::Keep, 1).write(&ada()).unwrap();
        assert_eq!(cursors(personal(), 2).read(&sealed), None);
        assert_eq!(cursors(Treatment::Keep, 1).read(&sealed), None);
        assert_eq!(cursors(personal(), 1).read(&open), None);
    }

    #[test]
    fn what_cannot_seal_is_an_error_and_never_an_open_cursor() {
        assert_eq!(Seal::with(&[0; 31]).unwrap_err(), SealError);
    }

    #[test]
    fn a_key_column_without_a_treatment_is_taken_for_personal() {
        let mut plan = plan(Treatment::Keep);
        plan.columns.clear();
        let cursors = Cursors::new(
            &plan,
            [1; 32],
            &PseudonymKey::from_secret("a pseudonym key of the tests"),
        )
        .unwrap();
        assert!(!shows_ada(&cursors.write(&ada()).unwrap()));
    }
}
