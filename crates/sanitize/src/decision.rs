//! What is decided about a column: its treatment, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happens to a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Values leave as they are.
    Keep,
    /// Each value is replaced by a keyed pseudonym of its kind.
    Pseudonymise(Persona),
    /// Each value is replaced by a constant that says nothing.
    Redact,
    /// Each value becomes NULL.
    Null,
    /// What looks personal in a value is replaced in place; the rest is kept.
    Scan,
}

/// The kind of personal data that a pseudonym stands for.
///
/// New kinds come at the end: the order is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Persona {
    /// An e-mail address: `ada.keller.k3j5xq2w7rb4a@example.com`, the same in every table.
    Email,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
    /// A given and a family name.
    FullName,
    /// A login or a nickname.
    Username,
    /// A telephone or fax number: `555-01xx`, else `+999` or `00 999`, in the shape of the value.
    Phone,
    /// A street with its number, or a whole postal address.
    Street,
    /// A town.
    City,
    /// A postal code: `000…` or `Q…`, in its shape.
    PostalCode,
    /// A company's name.
    Company,
    /// An IP or hardware address: 192.0.2.0/24 and the other two ranges for documentation, and
    /// 2001:db8::/32, which in a unique column takes those of version 4 too; `02:00:…`.
    Ip,
    /// A payment card's number: processors' test ranges, with a check digit that holds.
    Card,
    /// An international bank account number: bank zero, with check digits that hold.
    Iban,
    /// A number that a state or a bank knows a person by: another of its shape, from 000 on.
    NationalId,
    /// A day of birth: the year stays.
    BirthDate,
    /// A latitude or a longitude: whole degrees stay.
    Coordinate,
    /// A link to a person's page or picture: one into `example.com`.
    Url,
}

/// What was decided about a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What happens to the column's values.
    pub treatment: Treatment,
    /// Why, in a few words, for the plan: "name says email", "free text".
    pub reason: String,
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Pseudonymise(persona) => write!(f, "pseudonymise ({persona})"),
            Self::Redact => f.write_str("redact"),
            Self::Null => f.write_str("null"),
            Self::Scan => f.write_str("scan"),
        }
    }
}

impl Persona {
    /// Lists every persona, in the order of [`Persona::index`].
    pub(crate) const ALL: [Self; 17] = [
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::Username,
        Self::Phone,
        Self::Street,
        Self::City,
        Self::PostalCode,
        Self::Company,
        Self::Ip,
        Self::Card,
        Self::Iban,
        Self::NationalId,
        Self::BirthDate,
        Self::Coordinate,
        Self::Url,
    ];

    /// Returns the persona's place in [`Persona::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Names the persona; the name is also what its subkey is derived by, so it never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first name",
            Self::LastName => "last name",
            Self::FullName => "full name",
            Self::Username => "username",
            Self::Phone => "phone",
            Self::Street => "street",
            Self::City => "city",
            Self::PostalCode => "postal code",
            Self::Company => "company",
            Self::Ip => "ip",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::NationalId => "national id",
            Self::BirthDate => "birth date",
            Self::Coordinate => "coordinate",
            Self::Url => "url",
        }
    }
}

impl fmt::Display for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
