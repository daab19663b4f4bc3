//! Towns, what their postal codes look like, and the streets of their countries.

/// A town.
#[derive(Debug)]
pub(in super::super) struct Place {
    /// Its name.
    pub(in super::super) city: &'static str,
    /// A postal code with `#` for a digit and `@` for a letter.
    pub(in super::super) postal_code: &'static str,
    /// Where it is.
    pub(in super::super) country: Country,
}

/// A country.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Country {
    /// Great Britain.
    Britain,
    /// Germany.
    Germany,
    /// France.
    France,
    /// Australia.
    Australia,
}

impl Country {
    /// Returns the country's code of two letters.
    pub(in super::super) const fn code(self) -> &'static str {
        match self {
            Self::Britain => "GB",
            Self::Germany => "DE",
            Self::France => "FR",
            Self::Australia => "AU",
        }
    }

    /// Lists streets that most towns of the country have.
    pub(in super::super) const fn streets(self) -> &'static [&'static str] {
        match self {
            Self::Britain => BRITISH_STREETS,
            Self::Germany => GERMAN_STREETS,
            Self::France => FRENCH_STREETS,
            Self::Australia => AUSTRALIAN_STREETS,
        }
    }
}

/// The towns.
pub(in super::super) const PLACES: &[Place] = &[
    place("London", "SW# #@@", Country::Britain),
    place("London", "E## #@@", Country::Britain),
    place("Manchester", "M## #@@", Country::Britain),
    place("Bristol", "BS# #@@", Country::Britain),
    place("Leeds", "LS# #@@", Country::Britain),
    place("Edinburgh", "EH# #@@", Country::Britain),
    place("Cardiff", "CF## #@@", Country::Britain),
    place("Berlin", "10###", Country::Germany),
    place("Berlin", "12###", Country::Germany),
    place("Hamburg", "22###", Country::Germany),
    place("München", "80###", Country::Germany),
    place("Köln", "50###", Country::Germany),
    place("Leipzig", "04###", Country::Germany),
    place("Paris", "750##", Country::France),
    place("Lyon", "690##", Country::France),
    place("Nantes", "440##", Country::France),
    place("Toulouse", "310##", Country::France),
    place("Strasbourg", "670##", Country::France),
    place("Sydney", "20##", Country::Australia),
    place("Melbourne", "30##", Country::Australia),
    place("Brisbane", "40##", Country::Australia),
    place("Perth", "60##", Country::Australia),
];

const BRITISH_STREETS: &[&str] = &[
    "Albert Road", "Broadway", "Church Lane", "Grange Road", "High Street", "Kings Road",
    "London Road", "Manor Road", "New Street", "North Road", "Queens Road", "Richmond Road",
    "Springfield Road", "St John's Road", "The Crescent", "Victoria Road", "Windsor Road",
    "York Road",
];

const GERMAN_STREETS: &[&str] = &[
    "Ahornweg", "Bahnhofstraße", "Bergstraße", "Birkenweg", "Brunnenstraße", "Dorfstraße",
    "Feldstraße", "Gartenstraße", "Goethestraße", "Hauptstraße", "Jahnstraße", "Kirchweg",
    "Lindenstraße", "Mozartstraße", "Ringstraße", "Schillerstraße", "Schulstraße", "Waldweg",
];

const FRENCH_STREETS: &[&str] = &[
    "allée des Tilleuls", "avenue de la République", "avenue Jean Jaurès", "boulevard Voltaire",
    "chemin des Vignes", "impasse du Moulin", "place de la Mairie", "quai des Tanneurs",
    "rue de l'Église", "rue de la Paix", "rue des Écoles", "rue des Lilas", "rue du Marché",
    "rue Gambetta", "rue Pasteur", "rue Victor Hugo",
];

const AUSTRALIAN_STREETS: &[&str] = &[
    "Acacia Avenue", "Bay Street", "Banksia Crescent", "Beach Road", "Bourke Street",
    "Collins Street", "Eucalyptus Drive", "George Street", "Gum Tree Close", "Hunter Street",
    "King Street", "Macquarie Street", "Pacific Highway", "Pitt Street", "Wattle Grove",
];

const fn place(city: &'static str, postal_code: &'static str, country: Country) -> Place {
    Place { city, postal_code, country }
}
