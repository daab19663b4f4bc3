use super::*;

fn column<'a>(table: &'a str, name: &'a str, kind: &'a ValueKind) -> ColumnFacts<'a> {
    ColumnFacts {
        table,
        name,
        kind,
        max_chars: None,
        unique: false,
        nullable: true,
    }
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a table of cases reads better without ampersands"
)]
fn decides(table: &str, name: &str, kind: ValueKind, treatment: &str) {
    let decision = classify(&column(table, name, &kind));
    assert_eq!(
        decision.treatment.to_string(),
        treatment,
        "{table}.{name}: {kind:?}"
    );
    assert!(!decision.reason.is_empty());
}

#[test]
fn a_type_that_cannot_hold_it_keeps_a_column_from_being_personal() {
    decides("users", "email_verified", ValueKind::Boolean, "keep");
    decides("users", "email", ValueKind::Timestamp, "keep");
    decides("users", "password_changed_at", ValueKind::Timestamp, "keep");
    decides("users", "address_id", ValueKind::Integer, "keep");
    decides("calls", "tokens", ValueKind::Integer, "keep");
    decides("users", "name", ValueKind::Enum, "keep");
}

#[test]
fn what_is_not_understood_never_leaves() {
    decides("courses", "vector", ValueKind::Opaque, "null");
    decides(
        "courses",
        "shapes",
        ValueKind::Array(Box::new(ValueKind::Opaque)),
        "null",
    );
    decides("users", "email", ValueKind::Opaque, "null");
    decides("files", "content", ValueKind::Bytes, "redact");
    decides(
        "files",
        "parts",
        ValueKind::Array(Box::new(ValueKind::Bytes)),
        "redact",
    );
}

#[test]
fn kinds_without_text_are_kept_unless_their_name_is_personal() {
    use ValueKind::{Boolean, Date, Decimal, Integer, Interval, Time, Timestamp, Uuid};
    for kind in [
        Boolean,
        Integer,
        Decimal,
        Date,
        Time,
        Timestamp,
        Interval,
        Uuid,
        ValueKind::Enum,
    ] {
        decides("courses", "value", kind.clone(), "keep");
        decides(
            "courses",
            "values",
            ValueKind::Array(Box::new(kind)),
            "keep",
        );
    }
    decides("users", "phone", Integer, "pseudonymise (phone)");
    decides("users", "ssn", Integer, "pseudonymise (national id)");
    decides("users", "birth_date", Date, "pseudonymise (birth date)");
    decides("users", "latitude", Decimal, "pseudonymise (coordinate)");
    decides("users", "salary", Decimal, "redact");
    decides("users", "reset_token", Uuid, "redact");
    decides("logins", "address", ValueKind::Network, "pseudonymise (ip)");
}

#[test]
fn text_is_pseudonymised_by_name_and_searched_without_one() {
    let text = || ValueKind::Text;
    decides("users", "email", text(), "pseudonymise (email)");
    decides("users", "name", text(), "pseudonymise (full name)");
    decides("products", "name", text(), "scan");
    decides("tracks", "title", text(), "scan");
    decides("courses", "instructor", text(), "pseudonymise (full name)");
    decides("courses", "description", text(), "scan");
    decides("users", "password_hash", text(), "redact");
    decides(
        "users",
        "emails",
        ValueKind::Array(Box::new(text())),
        "pseudonymise (email)",
    );
    decides(
        "courses",
        "tags",
        ValueKind::Array(Box::new(text())),
        "scan",
    );
    decides("users", "address", ValueKind::Json, "pseudonymise (street)");
    decides("courses", "meta", ValueKind::Json, "scan");
}

#[test]
fn a_part_in_a_key_is_a_code() {
    let facts = ColumnFacts {
        unique: true,
        ..column("orders", "customer", &ValueKind::Text)
    };
    assert_eq!(classify(&facts).treatment, Treatment::Scan);
    let facts = ColumnFacts {
        unique: true,
        ..column("orders", "customer_id", &ValueKind::Text)
    };
    assert_eq!(classify(&facts).treatment, Treatment::Scan);
}

#[test]
fn the_columns_of_well_known_schemas_get_what_their_names_ask_for() {
    let personal = "employees.last_name employees.first_name employees.address employees.city \
        employees.postal_code employees.home_phone customers.contact_name customers.phone \
        customers.fax customers.company_name orders.ship_name orders.ship_address \
        Customer.FirstName Customer.Email Invoice.BillingAddress Invoice.BillingPostalCode \
        employees.photo_path";
    for name in personal.split_whitespace() {
        let (table, name) = name.split_once('.').unwrap();
        let decision = classify(&column(table, name, &ValueKind::Text));
        assert!(
            matches!(decision.treatment, Treatment::Pseudonymise(_)),
            "{table}.{name}"
        );
    }
    let searched = "customers.customer_id customers.contact_title customers.region \
        orders.ship_country \
        categories.category_name categories.description products.product_name \
        products.quantity_per_unit Track.Name Track.Composer Artist.Name Album.Title Genre.Name \
        employees.title employees.notes employees.extension us_states.state_name";
    for name in searched.split_whitespace() {
        let (table, name) = name.split_once('.').unwrap();
        let decision = classify(&column(table, name, &ValueKind::Text));
        assert_eq!(decision.treatment, Treatment::Scan, "{table}.{name}");
    }
}

#[test]
fn labels_under_a_personal_name_are_searched() {
    for name in ["email", "first_name", "phone_number", "access_token"] {
        decides("users", name, ValueKind::Enum, "scan");
    }
    decides("users", "religion", ValueKind::Enum, "redact");
    decides("users", "email_status", ValueKind::Enum, "keep");
}
