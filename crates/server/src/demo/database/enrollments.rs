//! The enrollments: who takes which course, and how far they have come.

use std::collections::HashSet;

use rusqlite::Params;

use super::courses::Offer;
use super::record::Record;
use super::users::Member;
use crate::demo::calendar::Moment;
use crate::demo::draw::Draw;

/// How many enrollments there are.
pub(in crate::demo) const ENROLLMENTS: u64 = 40_000;

/// A row of `enrollments`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enrollment {
    pub(super) id: u64,
    /// The user's and the course's places in their lists, from zero.
    pub(super) user: usize,
    pub(super) course: usize,
    progress: u8,
    pub(super) enrolled_at: Moment,
    completed_at: Option<Moment>,
}

/// Lists the enrollments, the oldest first.
pub(super) fn all(members: &[Member], offers: &[Offer]) -> Vec<Enrollment> {
    let mut draw = Draw::for_the("enrollments");
    let mut taken = HashSet::new();
    let mut enrollments = Vec::with_capacity(ENROLLMENTS as usize);
    while enrollments.len() < ENROLLMENTS as usize {
        let pair = (draw.place(members), draw.place(offers));
        if taken.insert(pair) {
            // Nobody enrols before there are both.
            let since = members[pair.0].since.max(offers[pair.1].since);
            enrollments.push(enrollment(pair, since, &mut draw));
        }
    }
    enrollments.sort_by_key(|enrollment| enrollment.enrolled_at);
    for (id, enrollment) in (1..).zip(&mut enrollments) {
        enrollment.id = id;
    }
    enrollments
}

fn enrollment((user, course): (usize, usize), since: Moment, draw: &mut Draw) -> Enrollment {
    let enrolled_at = since.later(draw);
    let is_complete = draw.chance(35);
    Enrollment {
        id: 0,
        user,
        course,
        progress: if is_complete {
            100
        } else {
            draw.below(100) as u8
        },
        enrolled_at,
        completed_at: is_complete.then(|| enrolled_at.later(draw)),
    }
}

impl Record for Enrollment {
    const TABLE: &'static str = "enrollments";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "user_id",
        "course_id",
        "progress",
        "enrolled_at",
        "completed_at",
    ];

    fn values(self) -> impl Params {
        (
            self.id.cast_signed(),
            row_id(self.user),
            row_id(self.course),
            self.progress,
            self.enrolled_at.to_second(),
            self.completed_at.map(Moment::to_second),
        )
    }
}

/// Returns the id of the row at a place in its list.
pub(super) const fn row_id(place: usize) -> i64 {
    place as i64 + 1
}
