//! Names of people, and where their mail goes.

/// Given names.
pub(in super::super) const GIVEN: &[&str] = &[
    "Aisha", "Alejandro", "Alice", "Amélie", "Ananya", "Andrew", "Anna", "Antoine", "Arjun",
    "Asha", "Benjamin", "Björn", "Camille", "Caroline", "Chloé", "Christian", "Claire", "Daniel",
    "David", "Deepa", "Dmitri", "Eleanor", "Elena", "Emily", "Emma", "Eszter", "Fatima",
    "Florian", "François", "Freya", "Gabriel", "Georgia", "Grace", "Hannah", "Haruka", "Hassan",
    "Henrik", "Imogen", "Ingrid", "Isabel", "Jack", "James", "Javier", "Johanna", "John", "Jörg",
    "José", "Joseph", "Katarzyna", "Kenji", "Kwame", "Laura", "Leila", "Liam", "Lucas", "Łukasz",
    "Maja", "Manuel", "Margaret", "Mariana", "Mark", "Martin", "Matthew", "Mei", "Michael",
    "Mohammed", "Natalie", "Niamh", "Nicolas", "Noah", "Nuria", "Oliver", "Olivia", "Omar",
    "Patrick", "Paul", "Priya", "Rachel", "Rafael", "Rebecca", "Robert", "Rohan", "Samuel",
    "Sarah", "Sebastian", "Siobhán", "Sophie", "Stefan", "Sven", "Thomas", "Tomás", "Victoria",
    "Wei", "William", "Yasmin", "Yuki", "Zainab", "Zoë",
];

/// Family names.
pub(in super::super) const FAMILY: &[&str] = &[
    "Ahmed", "Alvarez", "Anderson", "Andersson", "Banerjee", "Bauer", "Bennett", "Bernard",
    "Bianchi", "Boateng", "Bonnet", "Brown", "Campbell", "Castro", "Chen", "Clarke", "Costa",
    "Davies", "Delacroix", "Desai", "Diaz", "Dubois", "Edwards", "Evans", "Fernández", "Ferrari",
    "Fontaine", "Foster", "García", "Girard", "Gonzalez", "Graham", "Gupta", "Hansen", "Harris",
    "Hernández", "Hoffmann", "Horváth", "Hughes", "Hussain", "Ivanov", "Jackson", "Johansson",
    "Johnson", "Jones", "Kapoor", "Khan", "Kim", "Kowalski", "Kumar", "Laurent", "Lee", "Lefèvre",
    "Lewis", "Li", "Lopez", "Marino", "Martínez", "Mbeki", "McCarthy", "Mehta", "Meyer", "Mitchell",
    "Moreau", "Morgan", "Müller", "Murphy", "Nakamura", "Neumann", "Nguyen", "Nielsen", "Novák",
    "O'Brien", "O'Connor", "Okafor", "Olsen", "Patel", "Pereira", "Petrov", "Phillips", "Ramos",
    "Reid", "Rivera", "Roberts", "Robinson", "Rossi", "Roux", "Sánchez", "Santos", "Sato", "Scott",
    "Sharma", "Silva", "Singh", "Smith", "Sørensen", "Suzuki", "Tanaka", "Thompson", "Torres",
    "Walsh", "Wang", "White", "Williams", "Wilson", "Wójcik", "Wood", "Yamamoto", "Young", "Zhang",
    "Zimmermann",
];

/// Domains of mailboxes.
pub(in super::super) const DOMAINS: &[&str] = &[
    "brightmail.test", "cobaltworks.test", "fernpost.test", "hallmark-studio.test",
    "harbourline.test", "inboxly.test", "lindqvist-partner.test", "mailhaven.test",
    "northgate.test", "papierflieger.test", "postbox.test", "quickpost.test", "riverside.test",
    "uni-westhafen.test",
];
