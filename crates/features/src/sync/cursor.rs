//! Cursors: where a chunk ended, as the server writes it for itself.
//!
//! A cursor is the key of the chunk's last row. Where the key itself is personal data, it is
//! sealed: a client keeps the cursor, and may learn nothing from it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sanitize::{PseudonymKey, Treatment};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::table::{KeyValue, KeyValues};
use super::wire::{Cursor, Engine, TablePlan};

/// Writes and reads the cursors of one table.
#[derive(Debug)]
pub(super) struct Cursors {
    open: Open,
    seal: Box<LessSafeKey>,
    table: [u8; 32],
}

/// Which keys a client may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// None: a column of the key is treated.
    Never,
    /// Those of numbers alone: the columns are kept, but in SQLite a type binds nobody, and text in
    /// a column of numbers may be anything.
    Numbers,
    /// All: the key's columns leave as they are.
    Always,
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
    /// [`SealError`] if there is nothing to seal with.
    pub(super) fn new(
        plan: &TablePlan,
        fingerprint: [u8; 32],
        engine: Engine,
        key: &PseudonymKey,
    ) -> Result<Self, SealError> {
        let seal = UnboundKey::new(&AES_256_GCM, key.derive("cursor").as_ref());
        Ok(Self {
            open: Open::of(plan, engine),
            seal: Box::new(LessSafeKey::new(seal.map_err(|_| SealError)?)),
            table: fingerprint,
        })
    }

    /// Writes the cursor behind the row with this key; `None` if the system has no random bytes
    /// to seal it with, and the table then starts anew after a loss.
    pub(super) fn write(&self, key: &KeyValues) -> Option<Cursor> {
        if self.open.allows(key) {
            return postcard::to_stdvec(&Written::Open(key.clone()))
                .ok()
                .map(Cursor);
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = postcard::to_stdvec(key).ok()?;
        let unique = Nonce::assume_unique_for_key(nonce);
        self.seal
            .seal_in_place_append_tag(unique, Aad::from(self.table), &mut sealed)
            .ok()?;
        postcard::to_stdvec(&Written::Sealed { nonce, sealed })
            .ok()
            .map(Cursor)
    }

    /// Reads a cursor that this server, or one with the same pseudonym key, has written for this
    /// table; `None` if it is none.
    pub(super) fn read(&self, cursor: &Cursor) -> Option<KeyValues> {
        match postcard::from_bytes(&cursor.0).ok()? {
            // An open cursor where it would have been sealed is none of ours.
            Written::Open(key) => Some(key).filter(|key| self.open.allows(key)),
            Written::Sealed { nonce, mut sealed } => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let aad = Aad::from(self.table);
                let opened = self.seal.open_in_place(nonce, aad, &mut sealed).ok()?;
                postcard::from_bytes(opened).ok()
            }
        }
    }
}

impl Open {
    fn of(plan: &TablePlan, engine: Engine) -> Self {
        let mut columns = plan
            .table
            .key
            .iter()
            .map(|&at| plan.columns.get(usize::from(at)));
        // A key column that the plan does not speak of is not known to be harmless.
        let is_kept =
            columns.all(|column| column.is_some_and(|column| column.treatment == Treatment::Keep));
        match (is_kept, engine) {
            (false, _) => Self::Never,
            (true, Engine::Sqlite) => Self::Numbers,
            (true, Engine::Postgres) => Self::Always,
        }
    }

    fn allows(self, key: &KeyValues) -> bool {
        let is_number = |value| matches!(value, &KeyValue::Integer(_) | &KeyValue::Real(_));
        match self {
            Self::Never => false,
            Self::Numbers => key.iter().all(is_number),
            Self::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use sanitize::{Persona, ValueKind};

    use super::*;
    use crate::sync::table::{Column, Table, TableName};
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

    fn postgres(treatment: Treatment, table: u8) -> Cursors {
        let key = PseudonymKey::from_secret("a pseudonym key of the tests");
        Cursors::new(&plan(treatment), [table; 32], Engine::Postgres, &key).unwrap()
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
            let cursors = postgres(treatment, 1);
            let cursor = cursors.write(&ada()).unwrap();
            assert_eq!(shows_ada(&cursor), shown);
            assert_eq!(cursors.read(&cursor), Some(ada()));
        }
    }

    #[test]
    fn a_cursor_of_another_table_or_one_that_should_be_sealed_is_none() {
        let personal = || Treatment::Pseudonymise(Persona::Email);
        let sealed = postgres(personal(), 1).write(&ada()).unwrap();
        let open = postgres(Treatment::Keep, 1).write(&ada()).unwrap();
        assert_eq!(postgres(personal(), 2).read(&sealed), None);
        assert_eq!(postgres(personal(), 1).read(&open), None);
    }

    #[test]
    fn text_in_a_column_of_numbers_is_not_shown() {
        let key = PseudonymKey::from_secret("a pseudonym key of the tests");
        let plan = plan(Treatment::Keep);
        let cursors = Cursors::new(&plan, [1; 32], Engine::Sqlite, &key).unwrap();
        let cursor = cursors.write(&ada()).unwrap();
        assert!(!shows_ada(&cursor));
        assert_eq!(cursors.read(&cursor), Some(ada()));
        let number = vec![KeyValue::Integer(7)];
        let cursor = cursors.write(&number).unwrap();
        assert_eq!(
            cursor.0,
            [0, 1, 0, 14],
            "a number needs no seal and outlives a restart"
        );
        assert_eq!(cursors.read(&cursor), Some(number));
        let forged = postgres(Treatment::Keep, 1).write(&ada()).unwrap();
        assert_eq!(cursors.read(&forged), None);
    }

    #[test]
    fn a_key_column_without_a_treatment_is_taken_for_personal() {
        let mut plan = plan(Treatment::Keep);
        plan.columns.clear();
        let cursors = Cursors::new(
            &plan,
            [1; 32],
            Engine::Postgres,
            &PseudonymKey::from_secret("a pseudonym key of the tests"),
        )
        .unwrap();
        assert!(!shows_ada(&cursors.write(&ada()).unwrap()));
    }
}
