use super::*;

#[track_caller]
fn are(kind: &ValueKind, values: &[&str]) {
    for value in values {
        assert!(is_of_kind(kind, value), "{value} is {kind:?}");
    }
}

#[track_caller]
fn are_not(kind: &ValueKind, values: &[&str]) {
    for value in values {
        assert!(!is_of_kind(kind, value), "{value} is no {kind:?}");
    }
}

#[test]
fn numbers_have_one_sign_one_point_and_one_exponent() {
    are(
        &ValueKind::Integer,
        &["0", "-7", "+7", "9223372036854775807"],
    );
    are_not(
        &ValueKind::Integer,
        &[
            "",
            "-",
            "123-45-6789",
            "4111-1111-1111-1111",
            "1 2",
            "1.0",
            "--1",
            "\u{ff11}",
        ],
    );
    are(
        &ValueKind::Decimal,
        &[
            "0",
            "-1.50",
            ".5",
            "5.",
            "1e5",
            "-1.5E-10",
            "NaN",
            "Infinity",
            "-Infinity",
            "inf",
        ],
    );
    are_not(
        &ValueKind::Decimal,
        &[
            "",
            ".",
            "e5",
            "1e",
            "1e5e5",
            "192.168.7.77",
            "+49.30.1234567",
            "1,5",
            "1.5e5.5",
        ],
    );
}

#[test]
fn days_and_times_are_told_by_position() {
    let moments = [
        "2024-01-15",
        "0044-03-15 BC",
        "5874897-12-31",
        "infinity",
        "-infinity",
        "2024-01-15 10:30:00",
        "2024-01-15 10:30:00.123456+00",
        "2024-01-15T10:30:00Z",
        "2024-01-15 10:30",
        "2024-01-15 24:00:00",
        "1890-01-01 00:53:28+00:53:28",
        "1890-01-01 00:53:28.5-05:30",
        "0044-03-15 10:00:00+00 BC",
        "294276-12-31 23:59:59.999999+00",
    ];
    are(&ValueKind::Date, &moments);
    are(&ValueKind::Timestamp, &moments);
    are_not(
        &ValueKind::Timestamp,
        &[
            "",
            "BC",
            "+49 30 1234567",
            "123-45-6789",
            "030-12-12",
            "0301234-12-12",
            "2024-13-15",
            "2024-01-32",
            "2024-01-15 ",
            "2024-01-15T",
            "2024-01-15 BC BC",
            "2024-01-15 10:30:00 4111",
            "2024-01-15 10:30:00.4111111111",
            "2024-01-15 10:30:00+49 30 1234567",
            "2024-01-15 10:30:00+",
            "2024-01-15 10:30:00+04:11:11:11",
            "2024-01-15,123-45-6789",
        ],
    );
    are(
        &ValueKind::Time,
        &[
            "10:30",
            "10:30:00.5",
            "24:00:00",
            "10:30:00+02",
            "10:30:00-05:30",
        ],
    );
    are_not(
        &ValueKind::Time,
        &["", "10", "1030", "10:30:", "10:30 BC", "030-1234567"],
    );
}

#[test]
fn yes_and_no_and_identifiers_are_known() {
    are(
        &ValueKind::Boolean,
        &["t", "f", "TRUE", "false", "0", "1", "Yes", "no"],
    );
    are_not(
        &ValueKind::Boolean,
        &["", "Anna", "2", "tru", "truth", "12345"],
    );
    are(
        &ValueKind::Uuid,
        &[
            "550e8400-e29b-41d4-a716-446655440000",
            "550E8400-E29B-41D4-A716-446655440000",
        ],
    );
    are_not(
        &ValueKind::Uuid,
        &[
            "",
            "550e8400e29b41d4a716446655440000",
            "4111-1111-1111-1111-4111111111111111",
            "550e8400-e29b-41d4-a716-44665544000g",
        ],
    );
}
