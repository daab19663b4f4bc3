use super::*;

fn of(name: &str) -> Option<Meaning> {
    meaning(name, Surroundings::Other)
}

fn among_people(name: &str) -> Option<Meaning> {
    meaning(name, Surroundings::People)
}

#[test]
fn a_name_is_understood_however_it_is_written() {
    let names = [
        "email",
        "EMAIL",
        "e_mail",
        "emailAddress",
        "email-address",
        "Email Address",
        "userEmail",
        "email2",
        "email_2",
        "work_emails",
        "contact.email",
        "EMailAddress",
    ];
    for name in names {
        assert_eq!(of(name), Some(Meaning::Personal(Persona::Email)), "{name}");
    }
    for name in [
        "first_name",
        "firstName",
        "FIRSTNAME",
        "FirstNames",
        "customer_first_name",
    ] {
        assert_eq!(
            of(name),
            Some(Meaning::Personal(Persona::FirstName)),
            "{name}"
        );
    }
}

#[test]
fn the_kinds_of_personal_data_are_known_in_six_languages() {
    let known = [
        (
            Persona::LastName,
            "surname nachname nom_de_famille apellidos sobrenome cognome",
        ),
        (
            Persona::FirstName,
            "given_name vorname prénom primer_nombre primeiro_nome",
        ),
        (
            Persona::Phone,
            "phone_number telefonnummer téléphone teléfono telefone cellulare",
        ),
        (
            Persona::Street,
            "billing_address straße adresse dirección endereço indirizzo",
        ),
        (Persona::City, "ship_city wohnort ville ciudad cidade città"),
        (
            Persona::PostalCode,
            "zip plz code_postal código_postal cep codice_postale",
        ),
        (
            Persona::BirthDate,
            "dob geburtsdatum date_de_naissance fecha_nacimiento data_nascimento",
        ),
        (
            Persona::Username,
            "login benutzername nom_utilisateur nombre_de_usuario nome_utente",
        ),
        (
            Persona::NationalId,
            "ssn steuer_id numero_securite_sociale dni cpf codice_fiscale",
        ),
        (Persona::Ip, "ip last_login_ip ip_address remoteAddr"),
        (Persona::Card, "card_number creditCardNumber"),
        (Persona::Iban, "iban seller_iban"),
        (
            Persona::FullName,
            "full_name contactName ship_name customer_name nome_cliente",
        ),
        (Persona::Url, "avatar_url profilePicture"),
        (Persona::Coordinate, "latitude lng home_location"),
    ];
    for (persona, names) in known {
        for name in names.split(' ') {
            assert_eq!(of(name), Some(Meaning::Personal(persona)), "{name}");
        }
    }
}

#[test]
fn what_lets_somebody_in_is_secret_whatever_else_the_name_says() {
    let names = "password encrypted_password password_digest api_key apiKey reset_token salt \
                 user_email_token otp_secret session_id sessions mot_de_passe senha contraseña \
                 phone_verification_code PASSWORDHASH";
    for name in names.split_whitespace() {
        assert_eq!(of(name), Some(Meaning::Secret), "{name}");
    }
}

#[test]
fn a_name_that_speaks_about_a_value_is_not_its_name() {
    let names = "email_template email_count phone_type address_id password_policy token_count \
                 card_brand email_verified name_length content_hash commit_hash market_cap \
                 filename hostname table_name product_title domain tool description";
    for name in names.split_whitespace() {
        assert!(
            !matches!(of(name), Some(Meaning::Personal(_) | Meaning::Secret)),
            "{name}"
        );
    }
}

#[test]
fn a_bare_name_is_a_persons_among_people_only() {
    assert_eq!(of("name"), Some(Meaning::Ambiguous));
    assert_eq!(
        among_people("name"),
        Some(Meaning::Personal(Persona::FullName))
    );
    assert_eq!(among_people("plan_name"), None);
    assert_eq!(among_people("photo"), Some(Meaning::Personal(Persona::Url)));
    assert_eq!(of("photo"), None);
}

#[test]
fn tables_of_people_are_told_from_tables_about_their_things() {
    for table in [
        "users",
        "public.Users",
        "customer",
        "employees",
        "Kunden",
        "user_profiles",
        "utilisateurs",
    ] {
        assert_eq!(surroundings(table), Surroundings::People, "{table}");
    }
    for table in [
        "courses",
        "user_roles",
        "customer_orders",
        "people.orders",
        "",
        "???",
        "employee_territories",
    ] {
        assert_eq!(surroundings(table), Surroundings::Other, "{table}");
    }
}

#[test]
fn names_that_are_none_say_nothing() {
    let long = "a".repeat(500);
    let many = "a_".repeat(100);
    for name in ["", "_", "1", "名前", "Ω", &long, &many, "a@b.c"] {
        assert_eq!(of(name), None, "{name}");
    }
}

#[test]
fn a_name_that_is_too_long_says_what_its_parts_do() {
    let long = [
        format!("{}_first_name", "x".repeat(80)),
        format!("first_name_{}", "of_the_one_who_signs_".repeat(6)),
        format!("{}Email", "aB".repeat(30)),
        "the_very_one_and_only_e_mail_address_of_a_man_in_a_house_by_the_sea".to_owned(),
        "a_b_c_d_e_f_g_h_password_i_j_k_l_m_n_o".to_owned(),
    ];
    for name in &long {
        assert!(
            matches!(of(name), Some(Meaning::Personal(_) | Meaning::Secret)),
            "{name}"
        );
    }
    assert_eq!(of(&"row_of_things_".repeat(9)), None);
    assert_eq!(
        surroundings(&format!("{}_users", "x".repeat(80))),
        Surroundings::People
    );
}
