//! Senders over real TLS: messages of both kinds, tokens, and those that behave badly.

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt as _, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::logs::LogsConfig;
use crate::logs::sources::log;

const TOKEN: &str = "0123456789abcdef0123";

/// A listener with a certificate of its own.
struct Play {
    ring: Arc<Ring>,
    tasks: Tasks,
    address: SocketAddr,
    connector: TlsConnector,
    _folder: TempDir,
}

/// What listens, before it does, and the certificate that it shows.
struct Bound {
    syslog: Syslog,
    listener: TcpListener,
    certificate: String,
    folder: TempDir,
}

impl Bound {
    fn new(token: Option<&'static str>, ring: &Arc<Ring>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let file = |name, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let config = SyslogConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            certificate: file("site.crt", &certificate),
            key: file("site.key", &key.serialize_pem()),
            token_env: token.map(|_| "TOKEN".to_owned()),
        };
        let variables = Variables::new(move |_| token.map(str::to_owned));
        let (syslog, listener) = Syslog::bind(&config, &variables, ring).unwrap();
        Self {
            syslog,
            listener,
            certificate,
            folder,
        }
    }
}

impl Play {
    fn begin(token: Option<&'static str>) -> Self {
        let ring = Arc::new(Ring::new(LogsConfig::default()));
        let bound = Bound::new(token, &ring);
        let (tasks, address) = (Tasks::new(), bound.listener.local_addr().unwrap());
        tasks.spawn("syslog", bound.syslog.accept(bound.listener, tasks.clone()));
        Self {
            ring,
            tasks,
            address,
            connector: trusting(&bound.certificate),
            _folder: bound.folder,
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.connector.connect(name, stream).await.unwrap()
    }

    async fn messages(&self, count: usize) -> Vec<String> {
        let lines = log::until(&self.ring, count).await;
        lines.into_iter().map(|line| line.message).collect()
    }
}

fn trusting(certificate: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn message(text: &str) -> String {
    format!("<12>1 2026-01-02T03:04:05Z web-1 shop 7 - - {text}")
}

fn counted(message: &str) -> String {
    format!("{} {message}", message.len())
}

#[tokio::test]
async fn messages_of_both_kinds_come_into_the_log() {
    let play = Play::begin(None);
    let mut sender = play.connect().await;
    let stream = format!(
        "{}{}\n{}",
        counted(&message("a\nb")),
        message("c"),
        message("no end")
    );
    sender.write_all(stream.as_bytes()).await.unwrap();
    assert_eq!(play.messages(2).await, ["a\nb", "c"]);
    sender.shutdown().await.unwrap();
    assert_eq!(play.messages(3).await[2], "no end");
    let line = &log::lines(&play.ring)[0];
    assert_eq!((&*line.origin.service, line.level.name()), ("shop", "warn"));
}

#[tokio::test]
async fn several_senders_do_not_mix() {
    let play = Play::begin(None);
    let (mut one, mut other) = (play.connect().await, play.connect().await);
    let (first, second) = (message("one"), message("other"));
    one.write_all(&first.as_bytes()[..20]).await.unwrap();
    one.flush().await.unwrap();
    other
        .write_all(format!("{second}\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(play.messages(1).await, ["other"]);
    one.write_all(format!("{}\n", &first[20..]).as_bytes())
        .await
        .unwrap();
    assert_eq!(play.messages(2).await, ["other", "one"]);
}

#[tokio::test]
async fn a_sender_without_the_token_is_cut_and_its_message_is_not_taken() {
    let play = Play::begin(Some(TOKEN));
    let mut good = play.connect().await;
    let shown = format!("{TOKEN} {}\n", message("good"));
    good.write_all(shown.as_bytes()).await.unwrap();
    assert_eq!(play.messages(1).await, ["good"]);
    let mut bad = play.connect().await;
    bad.write_all(format!("{}\n", message("bad")).as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    bad.read_to_end(&mut answer).await.ok();
    assert!(answer.is_empty());
    good.write_all(shown.as_bytes()).await.unwrap();
    assert_eq!(play.messages(2).await, ["good", "good"]);
}

#[tokio::test]
async fn a_stranger_that_speaks_no_tls_harms_nobody() {
    let play = Play::begin(None);
    let mut stranger = TcpStream::connect(play.address).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stranger.read_to_end(&mut answer).await.ok();
    let mut sender = play.connect().await;
    sender
        .write_all(format!("{}\n", message("a")).as_bytes())
        .await
        .unwrap();
    assert_eq!(play.messages(1).await, ["a"]);
    assert!(play.tasks.shutdown(Duration::from_secs(1)).await.is_empty());
}

/// Receives these bytes, and then nothing for ever.
async fn received(bytes: &[u8]) -> Result<(), SenderError> {
    let Bound { syslog, .. } = Bound::new(None, &Arc::new(Ring::new(LogsConfig::default())));
    let (mut sender, receiver) = duplex(64);
    let writing = async {
        sender.write_all(bytes).await.ok();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = syslog.receive(receiver) => ended,
        () = writing => unreachable!("a sender that waits for ever"),
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_message_and_silence_are_waited_for_so_long_and_no_longer() {
    let begun = Instant::now();
    assert!(matches!(received(b"\n\n").await, Err(SenderError::Slow)));
    assert_eq!(begun.elapsed().as_secs(), FIRST.as_secs());
    let begun = Instant::now();
    assert!(matches!(received(b"99 <12>").await, Err(SenderError::Slow)));
    assert_eq!(begun.elapsed().as_secs(), MESSAGE.as_secs());
    let begun = Instant::now();
    assert!(matches!(
        received(b"<12>whole\n").await,
        Err(SenderError::Slow)
    ));
    assert_eq!(begun.elapsed().as_secs(), SILENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_trickles_has_no_more_time_than_another() {
    let Bound { syslog, .. } = Bound::new(None, &Arc::new(Ring::new(LogsConfig::default())));
    let (mut sender, receiver) = duplex(64);
    let begun = Instant::now();
    let trickling = async {
        sender.write_all(b"<12>first\n<12>").await.ok();
        loop {
            tokio::time::sleep(MESSAGE / 4).await;
            sender.write_all(b"x").await.ok();
        }
    };
    tokio::select! {
        ended = syslog.receive(receiver) => assert!(matches!(ended, Err(SenderError::Slow))),
        () = trickling => unreachable!("a sender that trickles for ever"),
    }
    assert_eq!(begun.elapsed().as_secs(), MESSAGE.as_secs());
}

#[tokio::test]
async fn one_address_does_not_take_the_places_of_all() {
    let play = Play::begin(None);
    let mut held = Vec::new();
    for _ in 0..MOST_BY_ADDRESS {
        held.push(play.connect().await);
    }
    let mut beyond = TcpStream::connect(play.address).await.unwrap();
    assert_eq!(
        beyond.read(&mut [0]).await.unwrap_or_default(),
        0,
        "it is turned away"
    );
    held.pop();
    // The place is free as soon as the server has seen the end.
    let stream = loop {
        let stream = TcpStream::connect(play.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        if let Ok(stream) = play.connector.connect(name, stream).await {
            break stream;
        }
    };
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_lost_its_step_is_cut() {
    assert!(matches!(
        received(b"999999999 x").await,
        Err(SenderError::Frame(_))
    ));
}

#[test]
fn a_section_that_makes_no_sense_is_refused_with_its_file_or_variable() {
    let config: SyslogConfig =
        toml::from_str("certificate = \"/none.crt\"\nkey = \"/none.key\"").unwrap();
    assert_eq!(config.listen.port(), 6514);
    assert!(
        config
            .tls()
            .unwrap_err()
            .to_string()
            .starts_with("/none.crt: ")
    );
    let with_token = SyslogConfig {
        token_env: Some("TOKEN".into()),
        ..config
    };
    let refused = |value: Option<&'static str>| {
        let variables = Variables::new(move |_| value.map(str::to_owned));
        with_token.token(&variables).unwrap_err().to_string()
    };
    assert!(refused(None).contains("TOKEN is not set"));
    assert!(refused(Some("guess")).contains("the token in TOKEN is refused"));
}
