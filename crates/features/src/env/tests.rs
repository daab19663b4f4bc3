//! The bytes of the messages, and plays of both ends: honest ones, a hostile server, a hostile client.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use testkit::net::Link;
use testkit::pair::Pair;
use transport::channel::{Channel, ChannelError};
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::Session;
use transport::trust::Scopes;
use wire::Status as Code;
use zeroize::Zeroizing;

use super::client::{EnvError, Finding, Variable, validate};
use super::oprf::{Blinded, digest, evaluate, input};
use super::rules::{Problem, Rule, Rules, Status};
use super::wire::{Answer, Asked, Compare, Compared, Evaluated, Present};
use super::{EnvConfig, Misfit, PROTOCOL, ValueType, server};
use crate::parts::{Sections, ServerParts, Variables};

const PRODUCTION: [(&str, &str); 7] = [
    ("STRIPE_KEY", "sk_live_1"),
    ("API_VERSION", "2026-01"),
    ("LOG_LEVEL", "info"),
    ("BLANK", ""),
    ("PIN", "4711"),
    ("INTERNAL_X", "x"),
    ("RENDER_TUNNEL_SECRET", "the tunnel's"),
];

const CONFIG: &str = "
hidden = ['INTERNAL_*']
presence-only = ['*_PASSWORD']
guesses-per-hour = 3
[variables.LOG_LEVEL]
public = true
[variables.STRIPE_KEY]
production = '^sk_live_'
[variables.API_VERSION]
rule = 'must-match'
type = 'int'
";

fn parts(config: &str) -> ServerParts {
    let variables = |name: &str| {
        let mut all = PRODUCTION.iter();
        all.find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    ServerParts {
        sections: Sections::default().with("env", toml::from_str(config).unwrap()),
        variables: Variables::new(variables),
        ..ServerParts::bare()
    }
}

fn pair(config: &str) -> Pair {
    let router = crate::halves(&parts(config)).unwrap().router;
    Pair::serve(router, Scopes::default(), Link::default())
}

fn variables(rules: &Rules, local: &[(&str, Option<&str>)]) -> Vec<Variable> {
    let variable = |&(name, value): &(&str, Option<&str>)| Variable {
        name: name.to_owned(),
        value: value.map(|value| Zeroizing::new(value.to_owned())),
        expected: rules.of(name, value),
    };
    local.iter().map(variable).collect()
}

async fn found(session: &Session, local: &[(&str, Option<&str>)]) -> Vec<Finding> {
    let rules = Rules::new(toml::from_str(CONFIG).unwrap()).unwrap();
    validate(session, &variables(&rules, local)).await.unwrap()
}

fn refusal(error: &EnvError) -> (Code, &str) {
    match error {
        EnvError::Server(ChannelError::Fault(fault)) => (fault.status, &fault.reason),
        other => panic!("{other:?}"),
    }
}

fn hex<M: serde::Serialize>(message: &M) -> String {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn messages_have_these_bytes() {
    let asked = |blinded| Asked {
        name: "A".into(),
        blinded,
    };
    let compare = Compare {
        variables: vec![asked(Some([7; 32])), asked(None)],
    };
    let expected = format!("02 0141 01{} 0141 00", "07".repeat(32));
    assert_eq!(hex(&compare), expected.replace(' ', ""));
    let present = Present {
        compared: Some(Evaluated {
            evaluation: [8; 32],
            tag: [9; 32],
        }),
        misfit: Some(Misfit::Type(ValueType::Int)),
        public: Some("x".into()),
    };
    let bare = Present {
        compared: None,
        misfit: Some(Misfit::Pattern),
        public: None,
    };
    let compared = Compared {
        variables: vec![
            Answer::Hidden,
            Answer::Absent,
            Answer::Empty,
            Answer::Present(present),
            Answer::Present(bare),
        ],
    };
    let (eights, nines) = ("08".repeat(32), "09".repeat(32));
    let expected = format!("05 00 01 02 03 01{eights}{nines} 01 0002 01 0178 03 00 01 02 00");
    assert_eq!(hex(&compared), expected.replace(' ', ""));
}

#[tokio::test(start_paused = true)]
async fn each_variable_is_found_as_it_is() {
    let pair = pair(CONFIG);
    let session = pair.connect(2).await;
    let found = found(
        &session,
        &[
            ("STRIPE_KEY", Some("sk_live_1")),
            ("API_VERSION", Some("2025-12")),
            ("LOG_LEVEL", Some("info")),
            ("BLANK", Some("x")),
            ("PIN", None),
            ("NOBODYS", Some("x")),
            ("INTERNAL_X", Some("x")),
            ("RENDER_TUNNEL_SECRET", Some("the tunnel's")),
        ],
    )
    .await;
    let seen: Vec<_> = found
        .iter()
        .map(|it| (it.status, it.problems.as_slice()))
        .collect();
    let not_int = Misfit::Type(ValueType::Int);
    assert_eq!(
        seen,
        [
            (
                Status::ProductionSecretHere,
                &[Problem::ProductionSecretHere][..]
            ),
            (
                Status::Differs,
                &[
                    Problem::Differs,
                    Problem::Here(not_int),
                    Problem::Production(not_int)
                ]
            ),
            (Status::Match, &[]),
            (Status::Empty, &[Problem::EmptyInProduction]),
            (Status::MissingHere, &[Problem::MissingHere]),
            (Status::MissingInProduction, &[Problem::MissingInProduction]),
            (Status::NotCompared, &[]),
            // The platform's, by its name: only production's matters, and nothing is said of it.
            (Status::NotCompared, &[]),
        ]
    );
    let shown: Vec<_> = found.iter().filter_map(|it| it.public.as_deref()).collect();
    assert_eq!(shown, ["info"]);
}

#[tokio::test(start_paused = true)]
async fn one_run_is_one_round_trip() {
    let pair = pair(CONFIG);
    let session = pair.connect(2).await;
    let start = tokio::time::Instant::now();
    found(&session, &[("PIN", Some("1")), ("LOG_LEVEL", None)]).await;
    // 20 ms there and back, and a little for acks.
    assert!(
        start.elapsed() < Duration::from_millis(25),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn guesses_are_counted_for_the_key_whatever_session_they_come_from() {
    let pair = pair(CONFIG);
    let sessions = [pair.connect(2).await, pair.connect(3).await];
    for turn in 0..3 {
        let guess = format!("000{turn}");
        found(&sessions[turn % 2], &[("PIN", Some(&guess))]).await;
    }
    let rules = Rules::default();
    for session in &sessions {
        // The right one, too late. What is not there, or is not compared, costs nothing.
        let late = variables(&rules, &[("PIN", Some("4711")), ("NOBODYS", Some("x"))]);
        let error = validate(session, &late).await.unwrap_err();
        let (status, reason) = refusal(&error);
        assert_eq!(status, Code::TOO_MANY);
        assert!(
            reason.contains("PIN") && reason.contains("60 min"),
            "{reason}"
        );
    }
    found(&sessions[0], &[("LOG_LEVEL", Some("info")), ("PORT", None)]).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    let session = pair.connect(4).await;
    assert_eq!(
        found(&session, &[("PIN", Some("4711"))]).await[0].status,
        Status::Match
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_hidden_is_answered_alike_whether_it_is_there_or_not() {
    let pair = pair(CONFIG);
    let session = pair.connect(2).await;
    let names = [
        "INTERNAL_X",
        "INTERNAL_Y",
        "RENDER_TUNNEL_SECRET",
        "RENDER_TUNNEL_Z",
    ];
    let blinded = Blinded::new(input(&session.binding(), "x", &digest("x"))).unwrap();
    // More often than anything may be compared.
    for _ in 0..5 {
        let asked = Compare {
            variables: names
                .map(|name| Asked {
                    name: name.into(),
                    blinded: Some(blinded.element),
                })
                .into(),
        };
        let answer: Compared = session.call(&PROTOCOL, &asked).await.unwrap();
        assert_eq!(answer.variables, [(); 4].map(|()| Answer::Hidden));
    }
}

/// A client of its own making: it has one evaluation, and tries everything with it.
#[tokio::test(start_paused = true)]
async fn a_hostile_client_learns_of_one_guess_and_nothing_afterwards() {
    let pair = pair(CONFIG);
    let session = pair.connect(2).await;
    let binding = session.binding();
    let of = |name: &str, value: &str| input(&binding, name, &digest(value));
    let ask = async |elements: &[(&str, [u8; 32])]| {
        let variables = elements.iter().map(|&(name, element)| Asked {
            name: name.into(),
            blinded: Some(element),
        });
        let asked = Compare {
            variables: variables.collect(),
        };
        session.call::<_, Compared>(&PROTOCOL, &asked).await
    };
    let evaluated = |compared: Compared| match compared.variables.into_iter().next() {
        Some(Answer::Present(Present {
            compared: Some(it), ..
        })) => it,
        other => panic!("{other:?}"),
    };
    let guess = Blinded::new(of("PIN", "0000")).unwrap();
    let first = evaluated(ask(&[("PIN", guess.element)]).await.unwrap());
    assert!(!guess.matches(&first.evaluation, &first.tag).unwrap());

    // Offline: each value of the dictionary, the right one among them, with all that was heard. What was
    // evaluated is another value, and the key that would evaluate this one is gone.
    for value in ["4711", "0000", "1234"] {
        let other = Blinded::new(of("PIN", value)).unwrap();
        assert!(!other.matches(&first.evaluation, &first.tag).unwrap());
        assert!(!other.matches(&guess.element, &first.tag).unwrap());
    }
    // The evaluation of one run is worth nothing against the tag of the next: its key is another.
    let right = Blinded::new(of("PIN", "4711")).unwrap();
    let second = evaluated(ask(&[("PIN", right.element)]).await.unwrap());
    assert!(right.matches(&second.evaluation, &second.tag).unwrap());
    assert!(!right.matches(&second.evaluation, &first.tag).unwrap());
    assert!(!right.matches(&first.evaluation, &second.tag).unwrap());
    // Nor is that of one variable against another's tag.
    let third = evaluated(ask(&[("LOG_LEVEL", right.element)]).await.unwrap());
    assert!(!right.matches(&third.evaluation, &third.tag).unwrap());

    // Twice in a run would be two guesses for one; the identity would show the tag's key nothing.
    let twice = [("PIN", right.element), ("PIN", guess.element)];
    let identity = [("API_VERSION", [0; 32])];
    for refused in [&twice[..], &identity[..]] {
        match ask(refused).await {
            Err(ChannelError::Fault(fault)) => assert_eq!(fault.status, Code::BAD_REQUEST),
            other => panic!("{other:?}"),
        }
    }
    for name in ["", "A=b", "A B"] {
        assert!(ask(&[(name, guess.element)]).await.is_err(), "{name:?}");
    }
}

/// A server of its own making: keeps what it hears, and answers with what it was told to.
#[derive(Debug)]
struct Hostile {
    answer: Answer,
    heard: Mutex<Vec<Asked>>,
}

impl Handler for Hostile {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let asked: Compare = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("names"))?;
            let variables = asked
                .variables
                .iter()
                .map(|_| self.answer.clone())
                .collect();
            self.heard.lock().unwrap().extend(asked.variables);
            channel.send(&Compared { variables }).await?;
            Ok(channel.finish().await?)
        })
    }
}

async fn against(
    answer: Answer,
    local: Option<&str>,
) -> (Result<Vec<Finding>, EnvError>, Vec<Asked>) {
    let hostile = Arc::new(Hostile {
        answer,
        heard: Mutex::default(),
    });
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::clone(&hostile) as _);
    let pair = Pair::serve(router, Scopes::default(), Link::default());
    let session = pair.connect(2).await;
    let rules = Rules::default();
    let asked = variables(&rules, &[("JWT_SECRET", local)]);
    let found = validate(&session, &asked).await;
    let heard = std::mem::take(&mut *hostile.heard.lock().unwrap());
    (found, heard)
}

fn present(evaluation: [u8; 32], tag: [u8; 32]) -> Answer {
    Answer::Present(Present {
        compared: Some(Evaluated { evaluation, tag }),
        misfit: None,
        public: None,
    })
}

#[tokio::test(start_paused = true)]
async fn a_hostile_server_hears_the_same_shape_whatever_the_value_is() {
    let long = "x".repeat(1024 * 1024);
    for local in [None, Some(""), Some("a"), Some(long.as_str())] {
        let (_, heard) = against(Answer::Absent, local).await;
        let [Asked { name, blinded }] = heard.try_into().unwrap();
        let element = blinded.unwrap();
        assert_eq!(name, "JWT_SECRET");
        // It is no more the value's than any other point: under the right guess, nothing fits it either.
        let guess = Blinded::new(input(&[0; 32], "JWT_SECRET", &digest("a"))).unwrap();
        assert_ne!(guess.element, element);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hostile_server_cannot_claim_a_match_without_the_value() {
    // It evaluates honestly under a key of its own, and has the tag of the wrong value; or it mirrors what
    // it heard; or it makes something up.
    let wrong = input(&[0; 32], "JWT_SECRET", &digest("guess"));
    let element = Blinded::new(wrong.clone()).unwrap().element;
    let (evaluation, tag) = evaluate(&wrong, &element).unwrap();
    for (evaluation, tag) in [(evaluation, tag), (element, element), (element, [0; 32])] {
        let (found, _) = against(present(evaluation, tag), Some("local")).await;
        assert_eq!(found.unwrap()[0].status, Status::Differs);
    }
    for nothing in [[0; 32], [0xff; 32]] {
        let (found, _) = against(present(nothing, nothing), Some("local")).await;
        assert!(matches!(found, Err(EnvError::Answer)));
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_are_none_are_refused_before_anything_is_sent() {
    let pair = pair(CONFIG);
    let session = pair.connect(2).await;
    let rules = Rules::default();
    let name = validate(&session, &variables(&rules, &[("A=b", None)])).await;
    assert!(matches!(name, Err(EnvError::Name(_))));
    let twice = validate(&session, &variables(&rules, &[("A", None), ("A", None)])).await;
    assert!(matches!(twice, Err(EnvError::Twice(_))));
}

#[test]
fn a_section_that_makes_no_sense_stops_the_server() {
    for config in [
        "guesses-per-hour = 1001",
        "[variables.A]\npattern = '('",
        "secret = 1",
    ] {
        let error = server::half(&parts(config)).err().unwrap();
        assert_eq!(error.section, "env", "{config}");
    }
    assert!(toml::from_str::<EnvConfig>("[variables.A]\nrule = 'none'").is_err());
    assert_eq!(Rule::MustDiffer.name(), "must-differ");
}

/// Two hundred variables through both ends, on a link without delay: real time, so not by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: run it alone, with optimisation"]
async fn two_hundred_variables_take_150_ms_at_most() {
    let parts = ServerParts {
        variables: Variables::new(|name| Some(format!("production's {name}"))),
        ..parts("")
    };
    let router = crate::halves(&parts).unwrap().router;
    let near = Link {
        delay: Duration::ZERO,
        ..Link::default()
    };
    let pair = Pair::serve(router, Scopes::default(), near);
    let session = pair.connect(2).await;
    let names: Vec<_> = (0..200)
        .map(|number| format!("VARIABLE_{number}"))
        .collect();
    let local: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Some("local")))
        .collect();
    let mut took: Vec<_> = Vec::new();
    for _ in 0..10 {
        let asked = variables(&Rules::default(), &local);
        let start = Instant::now();
        let found = validate(&session, &asked).await.unwrap();
        took.push(start.elapsed());
        assert!(found.iter().all(|it| it.status == Status::Differs));
    }
    took.sort_unstable();
    println!(
        "200 variables: {:?} at best, {:?} in the middle, {:?} at worst",
        took[0], took[5], took[9]
    );
    assert!(took[5] <= Duration::from_millis(150), "{took:?}");
}
