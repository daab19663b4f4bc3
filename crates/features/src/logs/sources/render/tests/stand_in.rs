//! A stand-in for Render's API that speaks as it is documented: pages, a subscription, refusals.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::SinkExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use transport::tasks::Tasks;

/// A stand-in for the API.
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<Render>>,
    /// stand-in --entries, and `None` for a cut--> subscriptions
    live: broadcast::Sender<Option<Value>>,
    tasks: Tasks,
}

/// What the stand-in has.
pub(super) struct Render {
    entries: Vec<Value>,
    /// How many entries a page has.
    pub(super) page: usize,
    /// How the next questions are refused: a status, and when to come again.
    pub(super) refusals: Vec<(u16, Option<u32>)>,
    /// What was asked for, in its order.
    pub(super) asked: Vec<String>,
}

impl StandIn {
    pub(super) async fn start() -> Self {
        let tasks = Tasks::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared {
            state: Arc::new(Mutex::new(Render {
                entries: Vec::new(),
                page: 100,
                refusals: Vec::new(),
                asked: Vec::new(),
            })),
            live: broadcast::Sender::new(1024),
            tasks: tasks.clone(),
        };
        let routes = Router::new()
            .route("/v1/logs", get(list))
            .route("/v1/logs/subscribe", get(subscribe))
            .route("/v1/services/{id}", get(service))
            .with_state(shared.clone());
        tasks.spawn("stand-in", serve(listener, routes, tasks.clone()));
        Self { address, shared }
    }

    pub(super) fn render(&self) -> MutexGuard<'_, Render> {
        self.shared.lock()
    }

    /// Writes an entry that subscriptions hear of.
    pub(super) fn write(&self, id: &str) {
        let entry = self.write_unheard(id, &[]);
        self.say(entry);
    }

    /// Says an entry to the subscriptions, whether they have heard it or not.
    pub(super) fn say(&self, entry: Value) {
        self.shared.live.send(Some(entry)).ok();
    }

    /// Writes an entry that no subscription hears of.
    pub(super) fn write_unheard(&self, id: &str, labels: &[(&str, &str)]) -> Value {
        let label = |&(name, value): &(&str, &str)| json!({ "name": name, "value": value });
        let mut all = vec![
            json!({ "name": "resource", "value": "srv-1" }),
            json!({ "name": "instance", "value": "srv-1-abcde" }),
            json!({ "name": "level", "value": "error" }),
            json!({ "name": "type", "value": "app" }),
        ];
        all.extend(labels.iter().map(label));
        let entry = json!({
            "id": id, "labels": all, "message": format!("message {id}"),
            "timestamp": Timestamp::now().to_string(),
        });
        self.render().entries.push(entry.clone());
        entry
    }

    /// Cuts all subscriptions.
    pub(super) fn cut(&self) {
        self.shared.live.send(None).ok();
    }

    /// Waits until a subscription stands.
    pub(super) async fn subscribed(&self, count: usize) {
        while self.shared.live.receiver_count() != count {
            tokio::task::yield_now().await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Render> {
        self.state.lock().expect("nobody has panicked")
    }

    /// Notes a question, and refuses it if that is its turn.
    fn refuses(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let mut render = self.lock();
        render.asked.push(uri.to_string());
        if headers
            .get(AUTHORIZATION)
            .is_none_or(|it| it != "Bearer rnd_key")
        {
            return Some(StatusCode::UNAUTHORIZED.into_response());
        }
        if render.refusals.is_empty() {
            return None;
        }
        let (status, after) = render.refusals.remove(0);
        let status = StatusCode::from_u16(status).expect("a status");
        let mut response = status.into_response();
        if let Some(after) = after {
            response.headers_mut().insert("retry-after", after.into());
        }
        Some(response)
    }
}

async fn serve(listener: TcpListener, routes: Router, tasks: Tasks) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = http1::Builder::new()
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(routes.clone()),
            )
            .with_upgrades();
        tasks.spawn("stand-in's connection", async move {
            connection.await.ok();
        });
    }
}

async fn list(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    if let Some(refused) = shared.refuses(&uri, &headers) {
        return refused;
    }
    let query = uri.query().unwrap_or_default().to_owned();
    let asked = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let time = |text: &str| text.parse::<Timestamp>().expect("a time");
    let from = time(&asked("startTime").expect("a start"));
    let render = shared.lock();
    let written = |entry: &&Value| time(entry["timestamp"].as_str().expect("a time")) >= from;
    let found: Vec<_> = render.entries.iter().filter(written).cloned().collect();
    let page = &found[..found.len().min(render.page)];
    let last = page
        .last()
        .map_or(&Value::Null, |entry| &entry["timestamp"]);
    json_of(&json!({
        "hasMore": found.len() > page.len(),
        "nextStartTime": last,
        "nextEndTime": Timestamp::now().to_string(),
        "logs": page,
    }))
}

async fn service(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match shared.refuses(&uri, &headers) {
        None => json_of(&json!({ "id": id, "slug": "shop" })),
        Some(refused) => refused,
    }
}

fn json_of(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

async fn subscribe(State(shared): State<Shared>, mut request: Request<Body>) -> Response {
    if let Some(refused) = shared.refuses(request.uri(), request.headers()) {
        return refused;
    }
    let accept = derive_accept_key(request.headers()[SEC_WEBSOCKET_KEY].as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    let mut live = shared.live.subscribe();
    shared.tasks.spawn("subscription", async move {
        let Ok(upgraded) = upgrade.await else {
            return;
        };
        let io = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Ok(Some(entry)) = live.recv().await {
            if socket.send(Message::text(entry.to_string())).await.is_err() {
                return;
            }
        }
        // It is cut, without a word.
    });
    (
        StatusCode::SWITCHING_PROTOCOLS,
        [
            (CONNECTION, "upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_ACCEPT, &*accept),
        ],
    )
        .into_response()
}
