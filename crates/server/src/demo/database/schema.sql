CREATE TABLE courses (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    currency TEXT NOT NULL,
    published BOOLEAN NOT NULL,
    level TEXT NOT NULL,
    tags JSON NOT NULL,
    instructor_name TEXT NOT NULL,
    instructor_email TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    meta JSON NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    full_name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    phone TEXT,
    street TEXT NOT NULL,
    city TEXT NOT NULL,
    postal_code TEXT NOT NULL,
    country TEXT NOT NULL,
    birth_date DATE,
    password_hash TEXT NOT NULL,
    ip_address TEXT,
    created_at TIMESTAMP NOT NULL,
    notes TEXT
);

CREATE TABLE enrollments (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    course_id INTEGER NOT NULL REFERENCES courses (id),
    progress INTEGER NOT NULL,
    enrolled_at TIMESTAMP NOT NULL,
    completed_at TIMESTAMP,
    UNIQUE (user_id, course_id)
);

CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    enrollment_id INTEGER NOT NULL REFERENCES enrollments (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    amount_cents INTEGER NOT NULL,
    currency TEXT NOT NULL,
    card_last4 TEXT,
    card_brand TEXT,
    iban TEXT,
    status TEXT NOT NULL,
    receipt_email TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
