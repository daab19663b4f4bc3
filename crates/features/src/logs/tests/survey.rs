//! Where a flow begins, and what a server says of what there is.

use super::super::wire::{Names, Stock};
use super::super::{Compare, FieldTest, Mark};
use super::*;

fn at(time: u64, message: &str) -> Line {
    Line {
        time,
        ..line(message)
    }
}

fn mark(time: u64) -> Mark {
    Mark {
        time,
        origin: Origin::service("api"),
        event: Event::DiskBack,
    }
}

fn since(since: u64) -> Sieve {
    let filter = Filter {
        since: Some(since),
        ..Filter::default()
    };
    filter.compile().unwrap()
}

#[test]
fn a_tail_counts_lines_and_brings_the_marks_between_them() {
    let ring = ring_of(1000);
    for _ in 0..5 {
        append(&ring, [1]);
        ring.mark(mark(1));
        ring.mark(mark(1));
    }
    let tail = |lines| ring.begin(&Start::Tail(lines), &all()).at;
    assert_eq!((tail(1), tail(2), tail(5), tail(6)), (12, 9, 0, 0));
    assert_eq!(tail(0), 15);
}

#[test]
fn a_flow_begins_with_the_first_entry_that_may_pass() {
    let ring = ring_of(2000);
    for time in 1..=1000 {
        ring.append(at(time, "x"));
        ring.mark(mark(time));
    }
    let begin = |start, time| ring.begin(&start, &since(time)).at;
    assert_eq!(begin(Start::Oldest, 1), 0);
    assert_eq!(begin(Start::Oldest, 901), 1800);
    assert_eq!(begin(Start::Oldest, 1001), 2000);
    assert_eq!(begin(Start::Tail(10), 901), 1980);
    assert_eq!(begin(Start::Tail(500), 901), 1800);
}

fn wants(compare: Compare, names: &[&str]) -> Filter {
    let test = |name: &&str| FieldTest {
        name: (*name).to_owned(),
        compare,
        value: "1".to_owned(),
    };
    Filter {
        fields: names.iter().map(test).collect(),
        ..Filter::default()
    }
}

#[test]
fn fields_that_no_entry_has_are_told_with_those_that_there_are() {
    let ring = ring_of(5000);
    for number in 0..1000 {
        let mut line = line("x");
        line.fields.set("status", "200");
        if number % 2 == 0 {
            line.fields.set("path", "/");
        }
        line.fields.set(format!("made-up-{number}"), "1");
        ring.append(line);
    }
    let stock = ring.stock(&wants(Compare::Is, &["state", "status", "made-up-999"]));
    assert_eq!(stock.fields.unknown, ["state"]);
    assert_eq!(stock.fields.known[..2], ["status", "path"]);
    assert_eq!((stock.entries, stock.fields.known.len()), (1000, 20));
    assert!(stock.oldest.is_some());
    for filter in [
        wants(Compare::Matches, &["status"]),
        wants(Compare::IsNot, &["state"]),
        Filter::default(),
    ] {
        let stock = ring.stock(&filter);
        assert_eq!(stock.fields, Names::default());
    }
    let empty = Stock {
        fields: Names {
            unknown: vec!["state".into()],
            known: Vec::new(),
        },
        ..Stock::default()
    };
    assert_eq!(ring_of(1).stock(&wants(Compare::Is, &["state"])), empty);
}

#[test]
fn services_and_instances_of_which_there_is_no_line_are_told_with_those_that_there_are() {
    let ring = ring_of(5000);
    for (number, service) in ["api", "api", "billing"].into_iter().enumerate() {
        ring.append(Line {
            origin: Origin::new(service, &format!("i-{}", number % 2)),
            ..line("x")
        });
    }
    ring.append(line("of no instance"));
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let filter = Filter {
        services: names(&["ap*", "nosuch", "bill*s"]),
        instances: names(&["i-7"]),
        ..Filter::default()
    };
    let stock = ring.stock(&filter);
    let unknown = |unknown, known| Names {
        unknown: names(unknown),
        known: names(known),
    };
    assert_eq!(
        stock.services,
        unknown(&["nosuch", "bill*s"], &["api", "billing"])
    );
    assert_eq!(stock.instances, unknown(&["i-7"], &["i-0", "i-1"]));
    assert_eq!(stock.fields, Names::default());
    let known = Filter {
        services: names(&["billing"]),
        instances: names(&["i-*"]),
        ..Filter::default()
    };
    let stock = ring.stock(&known);
    assert_eq!((stock.services, stock.instances), Default::default());
}
