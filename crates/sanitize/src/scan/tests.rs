use super::*;

/// What is found in `text`, by its words.
fn found(text: &str) -> Vec<(What, &str)> {
    let found = find(text, Signs::of(text), Context::Any);
    found
        .into_iter()
        .map(|finding| (finding.what, &text[finding.range]))
        .collect()
}

/// Puts each value alone, into sentences, and next to what is not ASCII.
fn surrounded(value: &str) -> Vec<String> {
    [
        "{}",
        "ask for {} today",
        "({})",
        "\u{201c}{}\u{201d}",
        "{}, or later",
        "a\n{}\nb",
        "Grüße – {} – danke",
        "联系：{}。",
    ]
    .map(|sentence| sentence.replace("{}", value))
    .to_vec()
}

#[track_caller]
fn is_found(what: What, values: &[&str]) {
    for value in values {
        for text in surrounded(value) {
            assert_eq!(found(&text), [(what, *value)], "{text}");
        }
    }
}

#[track_caller]
fn nothing_is_found(values: &[&str]) {
    for value in values {
        for text in surrounded(value) {
            assert_eq!(found(&text), [], "{text}");
        }
    }
}

#[test]
fn email_addresses_are_found() {
    is_found(
        What::Personal(Persona::Email),
        &[
            "ada@lovelace.uk",
            "Ada.Lovelace+news@Analytical-Engine.co.uk",
            "o'brien@county.ie",
            "ada_l@xn--mnchen-3ya.de",
            "жанна@почта.рф",
            "alice@example.com",
            "ada%40lovelace.uk",
            "x@y.io",
        ],
    );
    assert_eq!(
        found("<mailto:ada@lovelace.uk>"),
        [(What::Personal(Persona::Email), "ada@lovelace.uk")]
    );
    assert_eq!(
        found("?to=ada@lovelace.uk&x=1"),
        [(What::Personal(Persona::Email), "ada@lovelace.uk")]
    );
    assert_eq!(
        found("邮箱ada@lovelace.uk吧"),
        [(What::Personal(Persona::Email), "ada@lovelace.uk")]
    );
    assert_eq!(
        found("\"ada l\"@lovelace.uk"),
        [(What::Personal(Persona::Email), "\"ada l\"@lovelace.uk")]
    );
}

#[test]
fn what_only_has_an_at_is_no_email_address() {
    nothing_is_found(&[
        "@ada",
        "user@localhost",
        "https://social.net/@ada",
        "icon@2x.png",
        "lodash@4.17.21",
        "a @ b.com",
        "git@github.com:org/repo.git",
        "@Override",
        "1 @ 2.50",
        "5@",
    ]);
}

#[test]
fn phone_numbers_are_found_as_countries_write_them() {
    is_found(
        What::Personal(Persona::Phone),
        &[
            "+1 212 736 5000",
            "+12127365000",
            "(212) 736-5000",
            "212-736-5000",
            "212.736.5000",
            "1-212-736-5000",
            "+49 30 1234567",
            "+49 (0)30 12345-67",
            "+49301234567",
            "0049 30 1234567",
            "0049301234567",
            "030 12345678",
            "(030) 12345678",
            "0171/1234567",
            "+33 6 12 34 56 78",
            "06 12 34 56 78",
            "06.12.34.56.78",
            "+44 20 7946 0958",
            "020 7946 0958",
            "07700 900123",
            "+55 11 91234-5678",
            "(11) 91234-5678",
            "+91 98765 43210",
            "+86 138 1234 5678",
            "+34 612 345 678",
            "+351 912 345 678",
            "+39 347 123 4567",
            "+7 (495) 123-45-67",
            "+358\u{a0}40\u{a0}1234567",
        ],
    );
}

#[test]
fn a_word_in_front_makes_a_phone_number_of_digits() {
    let phone = What::Personal(Persona::Phone);
    assert_eq!(found("call 2127365000 now"), [(phone, "2127365000")]);
    assert_eq!(found("Tel.: 7365000"), [(phone, "7365000")]);
    assert_eq!(
        found("phone number is 212 7365000"),
        [(phone, "212 7365000")]
    );
    assert_eq!(found("móvil: 612345678"), [(phone, "612345678")]);
    assert_eq!(found("tel:+12127365000"), [(phone, "+12127365000")]);
}

#[test]
fn a_value_that_is_nothing_but_a_number_is_judged_as_one() {
    for value in [
        "612 345 678",
        "91 123 45 67",
        "12 34 56 78",
        "12127365000",
        "447911123456",
        "4915112345678",
    ] {
        assert_eq!(found(value), [(What::Personal(Persona::Phone), value)]);
        assert_eq!(
            found(&format!("the figure {value} stood there")),
            [],
            "{value}"
        );
    }
}

#[test]
fn numbers_of_other_things_are_no_phone_numbers() {
    nothing_is_found(&[
        "3074185296",
        "1755302400",
        "1755302400000",
        "1755302400000000",
        "2024-01-15",
        "2024-01-15 10:30:00",
        "2024-01-15T10:30:00.123456Z",
        "01.02.2024",
        "01-02-2024 10.30",
        "20240115",
        "978-3-16-148410-0",
        "0-306-40615-2",
        "1.2.3",
        "10.15.7",
        "+51.5074 -0.1278",
        "+12.345678",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-1234-1234-123456789012",
        "PO1234567",
        "INV-2024-000123",
        "1,234,567.89",
        "12 345 678",
        "2019-2024",
        "12345-6789",
        "0123456789",
        "3.14159265358979",
        "4006381333931",
        "1 000 000 000",
        "ISO 8601",
        "SKU 123-4567-890",
    ]);
}

#[test]
fn payment_cards_are_found() {
    is_found(
        What::Personal(Persona::Card),
        &[
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "5555555555554444",
            "2223 0031 2200 3222",
            "371449635398431",
            "3714 496353 98431",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
        ],
    );
}

#[test]
fn digits_are_a_card_only_with_an_issuer_a_length_and_a_check_digit() {
    nothing_is_found(&[
        "4111111111111112",
        "4111 1111 1111 1112",
        "1234567890123452",
        "0.4111111111111111",
        "4111111111111111.5",
        "A4111111111111111",
        "4111-1111-1111-1111-9",
        "9999999999999995",
    ]);
}

#[test]
fn bank_accounts_are_found() {
    is_found(
        What::Personal(Persona::Iban),
        &[
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "GB82 WEST 1234 5698 7654 32",
            "gb82west12345698765432",
            "NO93 8601 1117 947",
            "MT84MALT011000012345MTLCAST001S",
        ],
    );
    nothing_is_found(&[
        "DE89370400440532013001",
        "GB82 WEST 1234 5698 7654 33",
        "AB12 3456 7890 1234",
    ]);
}

#[test]
fn social_security_numbers_are_found() {
    is_found(
        What::Personal(Persona::NationalId),
        &["123-45-6789", "123 45 6789"],
    );
    assert_eq!(
        found("SSN: 123456789"),
        [(What::Personal(Persona::NationalId), "123456789")]
    );
    nothing_is_found(&[
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-6789",
        "123-45-0000",
        "123456789",
    ]);
}

#[test]
fn addresses_in_networks_are_found() {
    is_found(
        What::Personal(Persona::Ip),
        &[
            "8.8.8.8",
            "81.2.69.142",
            "10.1.2.3",
            "2a00:1450:4001:81b::200e",
            "fe80::1ff:fe23:4567:890a",
            "08:00:2b:01:02:03",
        ],
    );
    assert_eq!(
        found("from 81.2.69.142:8080"),
        [(What::Personal(Persona::Ip), "81.2.69.142")]
    );
    assert_eq!(
        found("ip:2a00:1450:4001:81b::200e"),
        [(What::Personal(Persona::Ip), "2a00:1450:4001:81b::200e")]
    );
}

#[test]
fn versions_and_hosts_of_nobody_are_no_addresses() {
    nothing_is_found(&[
        "v1.2.3.4",
        "version 1.2.3.4",
        "Release: 10.2.3.4",
        "tool-1.2.3.4.jar",
        "1.2.3.4-beta",
        "Chrome/120.0.6099.71",
        "Chrome/120.0.0.0",
        "1.2.3.4.5",
        "127.0.0.1",
        "0.0.0.0",
        "256.1.1.1",
        "::1",
        "std::vec::Vec",
        "a::b",
        "dead::beef",
        "10:30:00",
        "12:34:56:78",
        "192.0.2.7",
        "2001:db8::7",
    ]);
    let text = "1.2.3.4";
    assert_eq!(find(text, Signs::of(text), Context::Version), []);
}

#[test]
fn keys_and_tokens_are_found() {
    // In parts, so that nobody's search for keys finds these.
    let token = |mark: &str, body: &str| format!("{mark}{body}");
    let keys = [
        token("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"),
        token("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
        token("AKIA", "IOSFODNN7QWERTYU"),
        token("xoxb-", "123456789012-abcdefABCDEF"),
        token("glpat-", "a1b2c3d4e5f6g7h8i9j0"),
        token("AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6q"),
        token(
            "eyJhbGciOiJIUzI1NiJ9.",
            "eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
    ];
    for key in &keys {
        is_found(What::Secret, &[key]);
    }
    let bearer = "Authorization: Bearer a8f5f167f44f4964e6c998dee827110c";
    assert_eq!(
        found(bearer),
        [(What::Secret, "a8f5f167f44f4964e6c998dee827110c")]
    );
    let armour = token(
        "-----BEGIN RSA PRIVATE",
        " KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----",
    );
    assert_eq!(
        found(&format!("key:\n{armour}\nend")),
        [(What::Secret, armour.as_str())]
    );
}

#[test]
fn long_words_that_open_nothing_are_kept() {
    nothing_is_found(&[
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYzQwErTyUiOpA",
        "introduction-to-rust-programming-2024",
        "AKIAIOSFODNN7EXAMPLE",
        "sk_live_xxxxxxxxxxxxxxxxxxxx1",
        "sk_test_your_key_goes_here_1",
        "bearer of good news internationalisation",
        "-----BEGIN CERTIFICATE-----",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
}

#[test]
fn what_opens_something_is_found_in_urls() {
    let secrets = |text: &'static str| -> Vec<&str> {
        found(text).into_iter().map(|(_, found)| found).collect()
    };
    assert_eq!(
        secrets("postgres://ada:hunter2@db.host.net/app"),
        ["ada:hunter2"]
    );
    assert_eq!(secrets("see https://ada@host.net/x, please"), ["ada"]);
    assert_eq!(
        secrets("https://x.net/f?X-Amz-Signature=abc&Expires=9"),
        ["abc"]
    );
    assert_eq!(secrets("https://x.net/f?a=1&token=abc#top"), ["abc"]);
    assert_eq!(secrets("/files/a.pdf?sig=abc%3D"), ["abc%3D"]);
    assert_eq!(secrets("https://x.net/#access_token=abc"), ["abc"]);
    nothing_is_found(&[
        "https://x.net/f?page=2&sort=name",
        "ssh://git@github.com/org/repo",
        "https://x.net/?key=en",
        "https://redacted@x.net/f?token=redacted",
        "a = b & c = d",
    ]);
}

#[test]
fn a_pseudonym_is_not_found_again_whatever_shape_it_has() {
    for ours in [
        "+99 (92) 3847-1234",
        "+99 93 6007445",
        "009-9948043",
        "0099-99 65 73",
        "(00) 999 58 66",
        "(285) 555-0178",
        "1 (437) 555-0185",
        "maria.keller.k3j5xqzw7rb4a@example.com",
        "u_k3j5xq@example.com",
        "4242 4200 0000 0000",
        "02:00:aa:bb:cc:dd",
    ] {
        assert_eq!(found(ours), [], "{ours}");
        assert_eq!(found(&format!("tel {ours}")), [], "{ours}");
    }
}

#[test]
fn several_findings_come_in_order_and_apart() {
    let text = "ada@lovelace.uk, 81.2.69.142, +44 20 7946 0958, bob@x.io";
    let kinds: Vec<_> = found(text).into_iter().map(|(what, _)| what).collect();
    let personal =
        [Persona::Email, Persona::Ip, Persona::Phone, Persona::Email].map(What::Personal);
    assert_eq!(kinds, personal);
}

#[test]
fn a_sign_is_shown_by_every_value_that_has_a_finding() {
    let everything = Signs::NONE
        | Signs::AT
        | Signs::DIGITS
        | Signs::DOTTED
        | Signs::COLONS
        | Signs::URL
        | Signs::QUERY
        | Signs::LONG_WORD;
    for value in [
        "x@y.io",
        "1.1.1.2",
        "555-12-3456",
        "2a00::1",
        "tel 7365000",
        "plain words",
        "a.b.c.d 1234",
    ] {
        let with = |signs| find(value, signs, Context::Any);
        assert_eq!(with(Signs::of(value)), with(everything), "{value}");
    }
}

#[test]
fn what_stands_among_hexadecimal_words_is_found_in_every_place() {
    let personal = [
        (What::Personal(Persona::Phone), "+12127365000"),
        (What::Personal(Persona::Card), "4111 1111 1111 1111"),
        (What::Personal(Persona::Iban), "NO93 8601 1117 947"),
        (What::Personal(Persona::NationalId), "123-45-6789"),
        (What::Personal(Persona::Ip), "81.2.69.142"),
        (What::Secret, "glpat-a1b2c3d4e5f6g7h8i9j0"),
    ];
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for (what, value) in personal {
        for length in 0..digest.len() {
            let text = format!("{}, {value}, {}", &digest[..length], &digest[length..]);
            assert_eq!(found(&text), [(what, value)], "{text}");
        }
    }
}

#[test]
fn numbers_in_the_middle_of_words_are_nobodys() {
    nothing_is_found(&[
        "a2127365000",
        "_+12127365000",
        "f4111111111111111",
        "4111111111111111f",
        "xDE89370400440532013000",
        "DE89370400440532013000x",
        "9f86d081884c7d659a2feaa0c55ad015",
        "12345678f84c7d659a2feaa0c55ad015",
        "de12345678f84c7d659a2feaa0c55ad0",
    ]);
}

#[test]
fn a_number_may_have_dashes_of_several_bytes_between_its_groups() {
    is_found(
        What::Personal(Persona::Phone),
        &["016 \u{2013} 608 \u{2013} 041"],
    );
}

#[test]
fn what_stands_behind_bearer_is_found_over_a_few_characters_of_any_size() {
    let token = "a8f5f167f44f4964e6c998dee827110c";
    for between in [
        " ",
        ": ",
        ": \u{201c}",
        "\u{1f511}\u{1f511}\u{1f511}\u{1f511}",
    ] {
        let text = format!("Bearer{between}{token}");
        assert_eq!(found(&text), [(What::Secret, token)], "{text}");
    }
    nothing_is_found(&["bearer, basic and other a8f5f167f44f4964e6c998dee827110c"]);
}

#[test]
fn armour_is_found_though_its_word_is_shorter_than_a_token() {
    let armour = "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END PRIVATE KEY-----";
    for before in ["", "key: ", "key=", "0123456789 "] {
        let text = format!("{before}{armour}");
        assert_eq!(found(&text), [(What::Secret, armour)], "{text}");
    }
}
