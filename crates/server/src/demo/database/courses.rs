//! The courses: what each is called, says and costs.

use rusqlite::Params;
use serde_json::{Value, json};

use super::record::Record;
use crate::demo::calendar::Moment;
use crate::demo::draw::Draw;
use crate::demo::person::{self, Person};
use crate::demo::text::{Taken, plain};
use crate::demo::words::courses::{
    ANGLES, AUDIENCES, CLOSINGS, CONTENTS, FORMS, LEVELS, MANNERS, OPENINGS, TOPICS, Topic,
};

/// How many courses there are: enough for a sync to take a moment.
pub(in crate::demo) const COURSES: u64 = 24_000;

/// A row of `courses`.
#[derive(Debug)]
pub(super) struct Course {
    id: u64,
    slug: String,
    title: String,
    description: String,
    price_cents: u32,
    currency: &'static str,
    published: bool,
    level: &'static str,
    tags: Value,
    instructor: Instructor,
    created_at: Moment,
    updated_at: Moment,
    meta: Value,
}

/// What the other tables need to know of a course.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) price_cents: u32,
    pub(super) currency: &'static str,
    pub(super) since: Moment,
}

impl Course {
    pub(super) const fn offer(&self) -> Offer {
        Offer {
            price_cents: self.price_cents,
            currency: self.currency,
            since: self.created_at,
        }
    }
}

/// Lists the courses.
pub(super) fn all() -> impl Iterator<Item = Course> + Send {
    let mut draw = Draw::for_the("courses");
    let instructors = instructors();
    let mut slugs = Taken::default();
    (0..COURSES).map(move |place| {
        let instructor = instructors[draw.place(&instructors)].clone();
        course(place, instructor, &mut slugs, &mut draw)
    })
}

fn course(place: u64, instructor: Instructor, slugs: &mut Taken, draw: &mut Draw) -> Course {
    let topic = &TOPICS[draw.place(TOPICS)];
    let title = title(topic, draw);
    let created_at = Moment::of_row(place, COURSES, draw);
    let level = draw.pick(LEVELS);
    Course {
        id: place + 1,
        slug: slugs.take(&plain(&title, '-'), "-"),
        description: description(topic, &instructor, draw),
        title,
        price_cents: PRICES[draw.place(PRICES)],
        currency: draw.pick(CURRENCIES),
        published: draw.chance(92),
        level,
        tags: tags(topic, level, draw),
        meta: meta(&instructor, draw),
        instructor,
        created_at,
        updated_at: created_at.later(draw),
    }
}

fn title(topic: &Topic, draw: &mut Draw) -> String {
    let topic = topic.name;
    let (manner, audience) = (draw.pick(MANNERS), draw.pick(AUDIENCES));
    let (angle, form) = (draw.pick(ANGLES), draw.pick(FORMS));
    match draw.below(8) {
        0..=2 => format!("{manner} {topic} for {audience}"),
        3 | 4 => format!("{topic} for {audience}: {angle}"),
        5 => format!("{manner} {topic}: {angle}"),
        6 => format!("{topic} {form} for {audience}"),
        _ => format!("The {manner} {topic} {form}"),
    }
}

fn description(topic: &Topic, instructor: &Instructor, draw: &mut Draw) -> String {
    let mut skills = topic.skills.iter().cycle().skip(draw.place(&topic.skills));
    let mut sentences = vec![draw.pick(OPENINGS).replacen("{}", topic.name, 1)];
    let content = draw.pick(CONTENTS).to_owned();
    sentences.push(
        skills
            .by_ref()
            .take(3)
            .fold(content, |text, skill| text.replacen("{}", skill, 1)),
    );
    if draw.chance(60) {
        sentences.push(draw.pick(CLOSINGS).to_owned());
    }
    match draw.below(100) {
        0..=4 => sentences.push(format!(
            "Questions before you enrol? Call {}.",
            instructor.phone
        )),
        5..=7 => sentences.push(format!(
            "Write to {} at {} for a place in the study group.",
            instructor.name, instructor.email
        )),
        _ => {}
    }
    sentences.join(" ")
}

fn tags(topic: &Topic, level: &str, draw: &mut Draw) -> Value {
    let mut tags = vec![topic.field.to_owned(), plain(topic.name, '-')];
    if draw.chance(50) {
        tags.push(plain(topic.skills[draw.place(&topic.skills)], '-'));
    }
    if draw.chance(30) {
        tags.push(level.to_owned());
    }
    json!(tags)
}

/// Writes what the application keeps beside its columns; in some rows somebody's address is in
/// the depth of it.
fn meta(instructor: &Instructor, draw: &mut Draw) -> Value {
    let lessons = draw.within(6..=60);
    let mut meta = json!({
        "lessons": lessons,
        "minutes": lessons * draw.within(5..=18),
        "language": draw.pick(&["en", "en", "en", "de", "fr"]),
        "rating": draw.within(31..=50) as f64 / 10.0,
    });
    if draw.chance(20) {
        meta["support"] = json!({
            "hours": "09:00-17:00",
            "contacts": [{ "role": "tutor", "email": instructor.email }],
        });
    }
    if draw.chance(5) {
        meta["reviewed_by"] = json!({ instructor.email.as_str(): "approved" });
    }
    meta
}

/// Who teaches a course.
#[derive(Clone, Debug)]
struct Instructor {
    name: String,
    email: String,
    phone: String,
}

fn instructors() -> Vec<Instructor> {
    let mut draw = Draw::for_the("instructors");
    let mut mailboxes = Taken::default();
    let drawn = (0..INSTRUCTORS).map(|_| {
        let person = Person::drawn(&mut draw);
        let mailbox = mailboxes.take(&person.mailbox(&mut draw), "");
        Instructor {
            name: person.full_name(),
            email: format!("{mailbox}@{}", person::domain(&mut draw)),
            phone: person.phone(&mut draw),
        }
    });
    drawn.collect()
}

impl Record for Course {
    const TABLE: &'static str = "courses";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "slug",
        "title",
        "description",
        "price_cents",
        "currency",
        "published",
        "level",
        "tags",
        "instructor_name",
        "instructor_email",
        "created_at",
        "updated_at",
        "meta",
    ];

    fn values(self) -> impl Params {
        (
            self.id.cast_signed(),
            self.slug,
            self.title,
            self.description,
            self.price_cents,
            self.currency,
            self.published,
            self.level,
            self.tags.to_string(),
            self.instructor.name,
            self.instructor.email,
            self.created_at.to_second(),
            self.updated_at.to_second(),
            self.meta.to_string(),
        )
    }
}

/// Each teaches some forty courses, as on a market place.
const INSTRUCTORS: usize = 600;

/// The prices; some courses are free.
const PRICES: &[u32] = &[
    0, 900, 1_900, 2_900, 2_900, 4_900, 4_900, 7_900, 9_900, 14_900, 29_900,
];

const CURRENCIES: &[&str] = &["EUR", "EUR", "GBP", "USD"];
