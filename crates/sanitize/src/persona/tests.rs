use std::collections::HashSet;
use std::sync::LazyLock;

use super::*;
use crate::checks::{luhn_holds, mod97_holds};

static PSEUDONYMS: LazyLock<Pseudonyms> =
    LazyLock::new(|| Pseudonyms::new(&PseudonymKey::from_secret("a key for tests")));

fn of(persona: Persona, value: &str) -> String {
    with(persona, value, Room::FREE)
}

fn with(persona: Persona, value: &str, room: Room) -> String {
    let mut out = String::new();
    PSEUDONYMS.write(persona, value, room, &mut out);
    out
}

/// A value of each persona.
const VALUES: [(Persona, &str); 17] = [
    (Persona::Email, "Ada.Lovelace@analytical.uk"),
    (Persona::FirstName, "Ada"),
    (Persona::LastName, "Lovelace"),
    (Persona::FullName, "Ada Lovelace"),
    (Persona::Username, "ada1815"),
    (Persona::Phone, "+44 20 7946 0123"),
    (Persona::Street, "12 St James's Square"),
    (Persona::City, "London"),
    (Persona::PostalCode, "SW1Y 4JH"),
    (Persona::Company, "Analytical Engines Ltd"),
    (Persona::Ip, "81.2.69.142"),
    (Persona::Card, "4111 1111 1111 1111"),
    (Persona::Iban, "GB82 WEST 1234 5698 7654 32"),
    (Persona::NationalId, "QQ 12 34 56 C"),
    (Persona::BirthDate, "10.12.1815"),
    (Persona::Coordinate, "51.5074"),
    (Persona::Url, "https://social.net/ada/photo.jpg?s=2"),
];

#[test]
fn equal_values_get_equal_pseudonyms_and_others_others() {
    for (persona, value) in VALUES {
        assert_eq!(of(persona, value), of(persona, value), "{persona}");
        assert_ne!(of(persona, value), value, "{persona}");
    }
    assert_ne!(
        of(Persona::Email, "ada@x.uk"),
        of(Persona::Email, "bob@x.uk")
    );
    assert_ne!(
        of(Persona::Phone, "+44 20 7946 0123"),
        of(Persona::Phone, "+44 20 7946 0124")
    );
}

#[test]
fn another_key_gives_other_pseudonyms() {
    let other = Pseudonyms::new(&PseudonymKey::from_secret("another key for tests"));
    for (persona, value) in VALUES {
        let mut out = String::new();
        other.write(persona, value, Room::FREE, &mut out);
        let coarse = matches!(persona, Persona::BirthDate | Persona::Coordinate);
        assert_eq!(out == of(persona, value), coarse, "{persona}");
    }
}

#[test]
fn no_pseudonym_outgrows_its_room() {
    for (persona, value) in VALUES {
        for chars in 0..60 {
            for room in [Room::of(Some(chars)), Room::of(Some(chars)).for_unique()] {
                let out = with(persona, value, room);
                assert!(
                    out.chars().count() <= chars as usize,
                    "{persona} in {chars}: {out}"
                );
            }
        }
    }
}

#[test]
fn unique_pseudonyms_do_not_meet() {
    let room = Room::FREE.for_unique();
    for (persona, _) in VALUES {
        if matches!(persona, Persona::BirthDate | Persona::Coordinate) {
            continue;
        }
        let made: HashSet<_> = (0..2_000)
            .map(|number| with(persona, &format!("value {number}"), room))
            .collect();
        assert_eq!(made.len(), 2_000, "{persona}");
    }
}

#[test]
fn an_address_is_the_same_however_it_is_written() {
    assert_eq!(
        of(Persona::Email, " Ada@X.uk "),
        of(Persona::Email, "ada@x.uk")
    );
    let unique = Room::of(Some(255)).for_unique();
    assert_eq!(
        with(Persona::Email, "ada@x.uk", unique),
        of(Persona::Email, "ada@x.uk")
    );
    assert_eq!(
        of(Persona::Username, "ada@x.uk"),
        of(Persona::Email, "ada@x.uk")
    );
}

#[test]
fn addresses_are_at_a_domain_of_nobody_and_told_from_others_there() {
    for room in [60, 40, 27, 19].map(|chars| Room::of(Some(chars))) {
        let made = with(Persona::Email, "ada@x.uk", room);
        assert!(is_our_email(&made), "{made}");
        assert_eq!(with(Persona::Email, &made, room), made);
    }
    for real in [
        "alice@example.com",
        "ada.lovelace@example.com",
        "u_@example.com",
        "a.b.c@example.com",
    ] {
        assert!(!is_our_email(real), "{real}");
    }
}

#[test]
fn phone_numbers_keep_their_shape_and_ring_nowhere() {
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "9");
    for value in [
        "+1 212 736 5000",
        "(212) 736-5000",
        "212.736.5000",
        "+49 (0)30 12345-67",
        "06 12 34 56 78",
        "736-5000",
    ] {
        let made = of(Persona::Phone, value);
        assert_eq!(shape(&made), shape(value));
        assert!(is_our_phone(&made), "{made}");
        assert_eq!(of(Persona::Phone, &made), made);
    }
    assert!(of(Persona::Phone, "212-736-5000").contains("-555-01"));
    assert!(
        of(Persona::Phone, "+49 30 1234567")
            .replace(' ', "")
            .starts_with("+999")
    );
    let noted = of(Persona::Phone, "Ada's office 736 5000");
    assert!(
        noted.starts_with("+1 ") && !noted.contains("Ada"),
        "{noted}"
    );
}

#[test]
fn one_subscriber_has_one_number_with_and_without_the_country() {
    let digits = |value: &str| of(Persona::Phone, value).replace(|c: char| !c.is_ascii_digit(), "");
    assert_eq!(
        digits("+1 212 736 5000"),
        format!("1{}", digits("(212) 736-5000"))
    );
}

#[test]
fn cards_and_accounts_have_check_digits_that_hold() {
    for value in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "371449635398431",
        "30569309025904",
        "n/a",
    ] {
        let made: Vec<u8> = of(Persona::Card, value)
            .bytes()
            .filter(u8::is_ascii_digit)
            .collect();
        assert!(luhn_holds(&made) && is_our_card(&made), "{value}");
    }
    for value in [
        "DE89370400440532013000",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
        "?",
    ] {
        for room in [Room::FREE, Room::FREE.for_unique()] {
            let made = with(Persona::Iban, value, room).replace(' ', "");
            assert!(
                mod97_holds(made.as_bytes()) && is_our_iban(made.as_bytes()),
                "{made}"
            );
        }
    }
    assert_eq!(
        of(Persona::Iban, "DE89 3704 0044 0532 0130 00")
            .split(' ')
            .count(),
        6
    );
}

#[test]
fn a_name_in_one_column_is_the_name_in_two() {
    let full = of(Persona::FullName, "Ada King Lovelace");
    assert_eq!(
        full,
        format!(
            "{} {}",
            of(Persona::FirstName, "Ada"),
            of(Persona::LastName, "Lovelace")
        )
    );
    assert_eq!(of(Persona::FullName, "Lovelace, Ada King"), full);
}

#[test]
fn networks_stay_networks_and_their_hosts_are_documentation() {
    let host = of(Persona::Ip, "81.2.69.142");
    assert!(is_ours_v4(host.parse().unwrap()), "{host}");
    assert!(is_ours_v6(
        of(Persona::Ip, "2a00:1450::200e").parse().unwrap()
    ));
    assert!(of(Persona::Ip, "10.1.2.0/24").ends_with(".0/24"));
    assert_eq!(
        of(Persona::Ip, "10.0.0.0/8")
            .split('.')
            .skip(1)
            .collect::<String>(),
        "000/8"
    );
    assert_eq!(of(Persona::Ip, "0.0.0.0/0"), "0.0.0.0/0");
    let unique = with(Persona::Ip, "81.2.69.142", Room::FREE.for_unique());
    assert!(is_ours_v6(unique.parse().unwrap()), "{unique}");
    let narrow = with(Persona::Ip, "81.2.69.142", Room::of(Some(15)).for_unique());
    assert!(is_ours_v4(narrow.parse().unwrap()), "{narrow}");
    let hardware = of(Persona::Ip, "08:00:2b:01:02:03");
    assert!(
        is_hardware(&hardware) && is_our_hardware(&hardware),
        "{hardware}"
    );
}

#[test]
fn of_a_birth_the_year_stays() {
    for (value, kept) in [
        ("1985-12-31", "1985-01-01"),
        ("31.12.1985", "01.01.1985"),
        ("12/31/1985", "01/01/1985"),
        ("1985-12-31T10:20:30Z", "1985-01-01T00:00:00Z"),
        ("31 December 1985", "1985-01-01"),
        ("19851231", "19850101"),
        ("31.12.85", "1970-01-01"),
        ("unknown", "1970-01-01"),
    ] {
        assert_eq!(of(Persona::BirthDate, value), kept);
    }
    for (value, form, kept) in [
        ("1985-12-31", Day::Alone, "1985-01-01"),
        ("0044-03-15 BC", Day::Alone, "0044-01-01 BC"),
        (
            "1985-12-31 10:20:30+02",
            Day::WithTime,
            "1985-01-01 00:00:00",
        ),
        ("infinity", Day::Alone, "1970-01-01"),
    ] {
        let mut out = String::new();
        Pseudonyms::write_day(value, form, &mut out);
        assert_eq!(out, kept);
    }
}

#[test]
fn of_a_place_whole_degrees_stay() {
    for (value, kept) in [
        ("51.5074", "51"),
        ("-0.1278", "-0"),
        ("51.5074, -0.1278", "51, -0"),
        ("51,5074", "51"),
        ("(51.5,-0.1)", "(51,-0)"),
        ("51°30'26\"N", "0"),
        (".5", "0"),
    ] {
        assert_eq!(of(Persona::Coordinate, value), kept);
    }
}

#[test]
fn whole_numbers_stay_whole_numbers_that_fit() {
    for persona in Persona::ALL {
        for value in [
            "0",
            "7",
            "12345",
            "32767",
            "2125551234",
            "2147483647",
            "4155552671",
            "9223372036854775807",
            "-5",
        ] {
            for room in [Room::FREE, Room::FREE.for_unique()] {
                let mut out = String::new();
                PSEUDONYMS.write_integer(persona, value, room, &mut out);
                let (made, was) = (out.parse::<i64>().unwrap(), value.parse::<i64>().unwrap());
                let fits = |limit: i64| was > limit || made <= limit;
                assert!(
                    fits(32_767) && fits(2_147_483_647),
                    "{persona}: {value} is {made}"
                );
            }
        }
    }
}

#[test]
fn postal_codes_and_ids_keep_their_shape() {
    assert!(of(Persona::PostalCode, "10115").starts_with("000"));
    assert!(of(Persona::PostalCode, "SW1Y 4JH").starts_with('Q'));
    assert!(of(Persona::NationalId, "123-45-6789").starts_with("000-"));
    assert_eq!(of(Persona::NationalId, "Ab-1").len(), 4);
    assert!(of(Persona::Url, "https://social.net/a.JPG?s=2").ends_with(".jpg"));
}
