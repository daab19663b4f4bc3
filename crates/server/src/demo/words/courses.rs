//! What is taught, to whom, and how it is praised.

/// What a course is about.
#[derive(Debug)]
pub(in super::super) struct Topic {
    /// As it stands in titles.
    pub(in super::super) name: &'static str,
    /// What courses of its kind are tagged with.
    pub(in super::super) field: &'static str,
    /// What one learns of it.
    pub(in super::super) skills: [&'static str; 4],
}

/// The topics.
pub(in super::super) const TOPICS: &[Topic] = &[
    topic("Rust", "programming", ["ownership", "error handling", "traits", "async services"]),
    topic("Python", "programming", ["data classes", "packaging", "type hints", "testing with pytest"]),
    topic("TypeScript", "programming", ["narrowing", "generics", "strict mode", "typed APIs"]),
    topic("Go", "programming", ["goroutines", "interfaces", "profiling", "small services"]),
    topic("Kotlin", "programming", ["coroutines", "null safety", "data classes", "Gradle builds"]),
    topic("Swift", "mobile", ["optionals", "SwiftUI layouts", "concurrency", "App Store releases"]),
    topic("C++", "programming", ["value semantics", "templates", "smart pointers", "sanitizers"]),
    topic("Elixir", "programming", ["pattern matching", "supervision trees", "Phoenix", "telemetry"]),
    topic("React", "web", ["hooks", "state management", "server components", "accessible forms"]),
    topic("Vue", "web", ["the composition API", "routing", "component design", "server rendering"]),
    topic("CSS", "web", ["grid layouts", "custom properties", "cascade layers", "responsive type"]),
    topic("Node.js", "web", ["streams", "worker threads", "HTTP servers", "graceful shutdown"]),
    topic("Django", "web", ["models and migrations", "class-based views", "caching", "background jobs"]),
    topic("GraphQL", "web", ["schema design", "batching", "pagination", "authorisation"]),
    topic("PostgreSQL", "databases", ["query plans", "partial indexes", "window functions", "safe migrations"]),
    topic("SQLite", "databases", ["write-ahead logging", "full-text search", "JSON columns", "backups"]),
    topic("SQL", "databases", ["joins", "common table expressions", "aggregation", "query tuning"]),
    topic("Redis", "databases", ["streams", "expiry", "Lua scripts", "high availability"]),
    topic("Data Modelling", "databases", ["normal forms", "time-varying data", "naming", "reviewing a schema"]),
    topic("Kubernetes", "operations", ["deployments", "probes", "network policies", "cost control"]),
    topic("Docker", "operations", ["multi-stage builds", "layer caching", "Compose", "image scanning"]),
    topic("Terraform", "operations", ["modules", "remote state", "plan reviews", "drift detection"]),
    topic("Linux", "operations", ["processes", "systemd units", "permissions", "reading logs"]),
    topic("Observability", "operations", ["structured logs", "tracing", "useful alerts", "service levels"]),
    topic("Incident Response", "operations", ["triage", "clear roles", "timelines", "blameless reviews"]),
    topic("CI/CD", "operations", ["fast pipelines", "caching", "canary releases", "rollbacks"]),
    topic("Web Security", "security", ["sessions", "cross-site scripting", "threat modelling", "safe headers"]),
    topic("Applied Cryptography", "security", ["key exchange", "password hashing", "signatures", "key rotation"]),
    topic("Penetration Testing", "security", ["reconnaissance", "reporting", "web exploits", "safe scoping"]),
    topic("Machine Learning", "data", ["feature design", "validation", "gradient boosting", "model monitoring"]),
    topic("Deep Learning", "data", ["training loops", "convolutions", "attention", "fine-tuning"]),
    topic("Statistics", "data", ["sampling", "confidence intervals", "regression", "experiment design"]),
    topic("Data Visualisation", "data", ["choosing a chart", "colour", "annotation", "dashboards"]),
    topic("Pandas", "data", ["tidy tables", "group-by", "time series", "memory tuning"]),
    topic("Apache Kafka", "data", ["partitions", "consumer groups", "schemas", "exactly-once processing"]),
    topic("Spreadsheets", "business", ["lookups", "pivot tables", "named ranges", "clean imports"]),
    topic("Product Management", "business", ["discovery interviews", "roadmaps", "prioritisation", "launch plans"]),
    topic("Project Planning", "business", ["estimating", "milestones", "risk registers", "stakeholder updates"]),
    topic("Negotiation", "business", ["preparation", "anchoring", "listening", "closing well"]),
    topic("Bookkeeping", "business", ["double entry", "invoicing", "VAT returns", "year-end closing"]),
    topic("Public Speaking", "business", ["structure", "voice", "slides", "handling questions"]),
    topic("Content Marketing", "marketing", ["audience research", "editorial calendars", "search intent", "measuring reach"]),
    topic("E-mail Marketing", "marketing", ["list building", "segmentation", "deliverability", "subject lines"]),
    topic("Brand Strategy", "marketing", ["positioning", "tone of voice", "naming", "brand guidelines"]),
    topic("UX Research", "design", ["interviews", "usability tests", "synthesis", "journey maps"]),
    topic("Interface Design", "design", ["layout", "visual hierarchy", "design systems", "prototyping"]),
    topic("Typography", "design", ["type pairing", "vertical rhythm", "legibility", "variable fonts"]),
    topic("Illustration", "design", ["gesture", "composition", "colour studies", "digital inking"]),
    topic("3D Modelling", "design", ["topology", "UV mapping", "lighting", "rendering"]),
    topic("Portrait Photography", "photography", ["natural light", "posing", "lens choice", "retouching"]),
    topic("Landscape Photography", "photography", ["composition", "long exposures", "filters", "planning a trip"]),
    topic("Video Editing", "photography", ["pacing", "sound design", "colour grading", "exporting"]),
    topic("Creative Writing", "writing", ["character", "dialogue", "point of view", "revision"]),
    topic("Technical Writing", "writing", ["task-based structure", "plain language", "diagrams", "review cycles"]),
    topic("Songwriting", "music", ["melody", "chord progressions", "lyrics", "arranging"]),
    topic("Piano", "music", ["reading music", "scales", "left-hand patterns", "improvising"]),
    topic("Guitar", "music", ["open chords", "strumming", "fingerpicking", "playing by ear"]),
    topic("Music Production", "music", ["recording", "compression", "mixing", "mastering"]),
    topic("Spanish", "languages", ["everyday phrases", "past tenses", "listening", "small talk"]),
    topic("Japanese", "languages", ["hiragana", "particles", "polite forms", "reading signs"]),
    topic("Business English", "languages", ["meetings", "e-mails", "presentations", "telephoning"]),
    topic("Bread Baking", "cooking", ["sourdough starters", "kneading", "shaping", "oven steam"]),
    topic("Italian Cooking", "cooking", ["fresh pasta", "sauces", "risotto", "seasonal menus"]),
    topic("Gardening", "home", ["soil", "composting", "pruning", "planning a year"]),
];

/// Kinds of course, in front of a topic.
pub(in super::super) const MANNERS: &[&str] = &[
    "Practical", "Modern", "Essential", "Hands-On", "Applied", "Effective", "Everyday",
    "Professional", "Confident", "Pragmatic", "Fast-Track", "Project-Based",
];

/// Who it is for, behind a topic.
pub(in super::super) const AUDIENCES: &[&str] = &[
    "Absolute Beginners", "Career Changers", "Busy Professionals", "Small Teams", "Freelancers",
    "Start-Up Founders", "Data Engineers", "Web Developers", "Backend Engineers", "Team Leads",
    "Product Managers", "Designers", "Analysts", "Students", "Teachers", "Researchers",
    "Non-Profits", "Self-Taught Learners", "Consultants", "Makers", "Curious Minds",
    "Remote Teams", "Returning Parents", "Small Businesses",
];

/// What it leads to, behind a colon.
pub(in super::super) const ANGLES: &[&str] = &[
    "The Missing Foundations", "From First Steps to Fluent", "Patterns That Last",
    "A Guided Workshop", "Mistakes to Avoid", "Twelve Real Projects", "The Complete Path",
    "Beyond the Basics", "A Field Guide", "Build a Portfolio", "Certification Preparation",
    "What the Books Leave Out", "Case Studies from Practice", "An Intensive Weekend",
    "The Working Toolkit", "Step by Step", "Good Habits Early", "Ready for the Job",
];

/// Forms of teaching, behind a topic.
pub(in super::super) const FORMS: &[&str] = &[
    "Bootcamp", "Masterclass", "Workshop", "Crash Course", "Foundations", "Deep Dive", "Clinic",
    "Seminar", "Certificate", "Refresher", "Lab", "Studio",
];

/// How much is asked of a learner, from least to most.
pub(in super::super) const LEVELS: &[&str] = &["beginner", "intermediate", "advanced"];

/// How a description begins; `{}` is the topic.
pub(in super::super) const OPENINGS: &[&str] = &[
    "A friendly and thorough introduction to {} that starts where you are.",
    "Learn {} the way that practitioners use it.",
    "Most people meet {} in pieces; this course puts the pieces together.",
    "If you have tried to learn {} alone and got stuck, begin here.",
    "{} rewards those who understand why, not only how.",
    "Everything that you need to be productive with {}, and nothing that you do not.",
    "This course makes {} a tool that you reach for without thinking.",
    "Small lessons, real tasks, and a clear line through {}.",
];

/// How a description says what is learnt; each `{}` is a skill.
pub(in super::super) const CONTENTS: &[&str] = &[
    "You will work through {}, {} and {}.",
    "The main parts are {}, {} and {}, each with exercises.",
    "Along the way you practise {}, meet {}, and end with {}.",
    "Week by week we cover {}, {} and {}.",
    "Expect plenty of {}, a good deal of {}, and an honest look at {}.",
];

/// How a description ends.
pub(in super::super) const CLOSINGS: &[&str] = &[
    "No previous knowledge is needed.",
    "All lessons have captions and a transcript.",
    "You leave with a project that you can show.",
    "Every module ends with a short quiz and worked answers.",
    "The recordings stay yours for as long as you like.",
    "Assignments are reviewed within two working days.",
    "A certificate is issued when all modules are done.",
    "Bring your own project, or choose one of ours.",
];

const fn topic(name: &'static str, field: &'static str, skills: [&'static str; 4]) -> Topic {
    Topic { name, field, skills }
}
