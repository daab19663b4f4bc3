//! Following a stand-in for Render's API through cuts, overlaps, quotas and refusals.

mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use transport::backoff::BackoffPolicy;
use transport::reach::{Route, Security};
use transport::tasks::Tasks;

use self::stand_in::StandIn;
use super::api::Api;
use super::config::RenderConfig;
use super::follow::{Follower, Pace};
use crate::logs::mark::Event;
use crate::logs::sources::log;
use crate::logs::{LogsConfig, Record, Ring};
use crate::parts::Variables;

struct Play {
    render: StandIn,
    ring: Arc<Ring>,
    tasks: Tasks,
}

impl Play {
    async fn begin() -> Self {
        Self {
            render: StandIn::start().await,
            ring: Arc::new(Ring::new(LogsConfig::default())),
            tasks: Tasks::new(),
        }
    }

    fn follow(&self, key: &'static str) {
        self.follow_pages(key, Pace::default().pages);
    }

    fn follow_pages(&self, key: &'static str, pages: u32) {
        let config = config(&format!("url = \"http://{}\"", self.render.address));
        let variables = Variables::new(move |name| (name == "RENDER_API_KEY").then(|| key.into()));
        let wanted = config
            .wanted(&variables)
            .expect("a section that makes sense");
        let route = Route {
            host: wanted.host,
            port: wanted.port,
            security: Security::Plain,
            proxy: None,
        };
        let api = Api::new(route, wanted.key, wanted.query);
        let moment = Duration::from_millis(1);
        let pace = Pace {
            page: moment,
            backoff: BackoffPolicy {
                first: moment,
                longest: moment,
                attempts: None,
            },
            pages,
            refused: moment,
        };
        let follower = Follower::new(api, Arc::clone(&self.ring), wanted.back_fill, pace);
        let tasks = self.tasks.clone();
        self.tasks.spawn("render", async move {
            follower.run(&wanted.resources, &tasks).await;
        });
    }

    /// Waits for so many lines, and returns their messages.
    async fn messages(&self, count: usize) -> Vec<String> {
        let lines = log::until(&self.ring, count).await;
        lines.into_iter().map(|line| line.message).collect()
    }

    /// Waits for a mark that says that the source was away, and returns its reason.
    async fn away(&self) -> String {
        let reason = |record: &Record| match record {
            Record::Mark(mark) => match &mark.event {
                Event::SourceAway { reason } => Some(reason.clone()),
                _ => None,
            },
            Record::Line(_) => None,
        };
        let records = log::until_records(&self.ring, |records| {
            records.iter().any(|it| reason(it).is_some())
        });
        records.await.iter().find_map(reason).expect("a mark")
    }

    fn asked(&self, path: &str) -> usize {
        let render = self.render.render();
        render
            .asked
            .iter()
            .filter(|it| it.starts_with(path))
            .count()
    }
}

fn config(more: &str) -> RenderConfig {
    let text = format!("owner = \"tea-1\"\nresources = [\"srv-1\", \"dpg-2\"]\n{more}");
    toml::from_str(&text).expect("a section")
}

fn messages(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("message {id}")).collect()
}

#[tokio::test]
async fn what_was_before_and_what_comes_are_one_log() {
    let play = Play::begin().await;
    play.render.write("a");
    play.render.write("b");
    play.follow("rnd_key");
    assert_eq!(play.messages(2).await, messages(&["a", "b"]));
    play.render.write("c");
    assert_eq!(play.messages(3).await, messages(&["a", "b", "c"]));
    let asked = play.render.render().asked.clone();
    assert_eq!(asked[0], "/v1/services/srv-1");
    let query = "ownerId=tea-1&resource=srv-1&resource=dpg-2&type=app";
    assert_eq!(asked[1], format!("/v1/logs/subscribe?{query}"));
    let first = format!("/v1/logs?{query}&direction=forward&limit=100&startTime=");
    assert!(asked[2].starts_with(&first), "{}", asked[2]);
}

#[tokio::test]
async fn an_entry_keeps_what_its_labels_say() {
    let play = Play::begin().await;
    let labels = [
        ("method", "GET"),
        ("path", "/cart"),
        ("statusCode", "502"),
        ("type", "request"),
    ];
    play.render.write_unheard("a", &labels);
    play.follow("rnd_key");
    let line = &log::until(&play.ring, 1).await[0];
    assert_eq!(
        (&*line.origin.service, &*line.origin.instance),
        ("shop", "srv-1-abcde")
    );
    assert_eq!(line.level.name(), "error");
    for (name, value) in labels {
        assert_eq!(&line.fields[name], value);
    }
}

#[tokio::test]
async fn after_a_cut_what_came_meanwhile_is_fetched_and_nothing_comes_twice() {
    let play = Play::begin().await;
    play.render.render().page = 2;
    play.render.write("a");
    play.follow("rnd_key");
    play.messages(1).await;
    for round in 0..3 {
        play.render.cut();
        play.render.subscribed(0).await;
        for missed in ["x", "y", "z"] {
            play.render.write_unheard(&format!("{round}{missed}"), &[]);
        }
        play.messages(1 + (round + 1) * 3).await;
    }
    // Said again, as a server does that is not sure what was heard.
    let again = play.render.write_unheard("last", &[]);
    play.render.subscribed(1).await;
    play.render.say(again.clone());
    play.render.say(again);
    play.render.write("end");
    let found = play.messages(12).await;
    let ids = [
        "a", "0x", "0y", "0z", "1x", "1y", "1z", "2x", "2y", "2z", "last", "end",
    ];
    assert_eq!(found, messages(&ids));
}

#[tokio::test]
async fn a_quota_and_a_failure_are_waited_for() {
    let play = Play::begin().await;
    play.render.write("a");
    play.render.render().refusals = vec![
        (404, None),
        (429, Some(0)),
        (503, None),
        (408, None),
        (500, None),
    ];
    play.follow("rnd_key");
    // The first was for the service's name, which goes by its id then.
    assert_eq!(play.messages(1).await, messages(&["a"]));
    assert_eq!(&*log::lines(&play.ring)[0].origin.service, "srv-1");
    assert_eq!(play.asked("/v1/logs/subscribe"), 5);
}

#[tokio::test]
async fn what_render_does_not_know_is_asked_for_a_few_times_and_said() {
    let play = Play::begin().await;
    play.render.write("a");
    play.render.render().refusals = vec![(404, None); 3];
    play.follow("rnd_key");
    let reason = play.away().await;
    assert!(reason.contains("check owner and resources"), "{reason}");
    assert_eq!(play.messages(1).await, messages(&["a"]));
    assert_eq!(play.asked("/v1/logs/subscribe"), 3);

    let play = Play::begin().await;
    play.render.render().refusals = vec![(404, None); 100];
    play.follow("rnd_key");
    let given_up = |record: &Record| {
        matches!(record, Record::Mark(mark) if matches!(
        &mark.event, Event::SourceAway { reason } if reason.contains("no further")))
    };
    log::until_records(&play.ring, |records| records.iter().any(given_up)).await;
    assert_eq!(play.asked("/v1/logs/subscribe"), 6);
}

#[tokio::test]
async fn a_key_that_is_refused_ends_the_source_with_a_mark() {
    let play = Play::begin().await;
    play.follow("rnd_wrong");
    let reason = play.away().await;
    assert!(reason.contains("Render refuses the API key"), "{reason}");
    assert!(!reason.contains("rnd_wrong"), "{reason}");
    assert!(play.tasks.shutdown(Duration::from_secs(1)).await.is_empty());
    assert_eq!(play.asked("/v1/logs/subscribe"), 1);
}

#[tokio::test]
async fn more_than_can_be_fetched_is_said_in_its_place() {
    let play = Play::begin().await;
    play.render.render().page = 2;
    for id in ["a", "b", "c", "d", "e", "f"] {
        play.render.write(id);
    }
    play.follow_pages("rnd_key", 2);
    assert!(
        play.away()
            .await
            .starts_with("more came than can be fetched")
    );
    play.render.write("g");
    let found = play.messages(4).await;
    assert_eq!(found.last().unwrap(), "message g");
}

#[tokio::test]
async fn stopping_ends_it_wherever_it_is() {
    let play = Play::begin().await;
    play.render.write("a");
    play.follow("rnd_key");
    play.messages(1).await;
    assert!(play.tasks.shutdown(Duration::from_secs(1)).await.is_empty());
}

#[test]
fn a_section_that_makes_no_sense_is_refused_with_what_to_do() {
    let refused = |config: RenderConfig, key: Option<&'static str>| {
        let variables = Variables::new(move |_| key.map(str::to_owned));
        config
            .wanted(&variables)
            .expect_err("a refusal")
            .to_string()
    };
    assert!(refused(config(""), None).contains("RENDER_API_KEY is not set"));
    assert!(refused(config(""), Some("a\nb")).contains("no API key"));
    let open = config("url = \"http://api.render.com\"");
    assert!(refused(open, Some("k")).contains("no https address"));
    assert!(refused(config("types = []"), Some("k")).contains("nothing to follow"));
    let wrong = toml::from_str::<RenderConfig>("owner = \"a\"\nresources = []\nback-fill = \"x\"");
    assert!(wrong.unwrap_err().message().contains("back-fill = \"x\""));
}
