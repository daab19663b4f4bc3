//! Waits until the app listens on its port, and says what is wrong if it does not.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::warn;
use transport::tasks::heavy;

use super::sockets::listening;

/// Knows where the app should listen, and which process it is.
#[derive(Debug)]
pub(super) struct Readiness {
    pub(super) port: u16,
    /// Where it should not: the port is ours.
    pub(super) public: u16,
    /// supervisor --the app's process, while it runs--> whoever waits
    pub(super) process: watch::Receiver<Option<u32>>,
}

impl Readiness {
    /// Waits until the app listens. Meanwhile it says now and then that the app does not.
    pub(super) async fn wait(&self) {
        tokio::select! {
            () = self.listens() => {}
            () = self.complain() => {}
        }
    }

    async fn listens(&self) {
        let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            .map(|ip| SocketAddr::new(ip, self.port));
        loop {
            for address in addresses {
                let connecting = TcpStream::connect(address);
                // One that does not answer has a queue that is full, and listens.
                if matches!(
                    tokio::time::timeout(ANSWER, connecting).await,
                    Ok(Ok(_)) | Err(_)
                ) {
                    return;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says what is wrong, for ever.
    async fn complain(&self) {
        let mut wait = PATIENCE;
        loop {
            tokio::time::sleep(wait).await;
            let process = *self.process.borrow();
            if let Some(process) = process {
                let elsewhere = heavy(|| listening(process));
                warn!("{}", complaint(self.port, self.public, &elsewhere));
            }
            wait = AGAIN;
        }
    }
}

/// Says that the app does not listen where it should, and what to do.
fn complaint(port: u16, public: u16, elsewhere: &BTreeSet<SocketAddr>) -> String {
    let wrong = format!("the app does not listen on port {port}, which PORT tells it");
    let open = "until it does, the public port stays closed";
    let Some(first) = elsewhere.first() else {
        return format!("{wrong}; {open}. If it serves no HTTP, start it with `--app-port none`");
    };
    if elsewhere.iter().any(|address| address.port() == public) {
        return format!(
            "the app listens on port {public}, which is the public one, and tunnel-server's: let it \
             listen on the port that PORT tells it ({port}), or give tunnel-server another with `--port`"
        );
    }
    let others: Vec<_> = elsewhere.iter().map(ToString::to_string).collect();
    format!(
        "{wrong}, but on {}; {open}. Let it listen on PORT, or start it with `--app-port {}`",
        others.join(", "),
        first.port()
    )
}

/// Nothing tells when a port is bound. A connection that is refused costs 20 microseconds, so that
/// this is a thousandth of a processor, and a deploy waits no longer than it would have.
const LOOK: Duration = Duration::from_millis(50);

/// On one machine an answer takes microseconds.
const ANSWER: Duration = Duration::from_secs(1);

/// Most apps listen within seconds; Render asks for a port within minutes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Often enough to be seen at the end of a log, seldom enough not to fill it.
const AGAIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_app_is_ready_when_it_listens_on_either_loopback() {
        for loopback in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(loopback).await.unwrap();
            let (_process, watched) = watch::channel(None);
            let port = listener.local_addr().unwrap().port();
            let readiness = Readiness {
                port,
                public: 0,
                process: watched,
            };
            readiness.wait().await;
        }
    }

    #[test]
    fn a_complaint_says_where_the_app_listens_instead_and_what_to_do() {
        let nowhere = complaint(4000, 3001, &BTreeSet::new());
        assert!(nowhere.contains("port 4000") && nowhere.contains("--app-port none"));
        let elsewhere = BTreeSet::from(["127.0.0.1:3000".parse().unwrap()]);
        let elsewhere = complaint(4000, 3001, &elsewhere);
        assert!(elsewhere.contains("127.0.0.1:3000"), "{elsewhere}");
        assert!(elsewhere.contains("--app-port 3000"), "{elsewhere}");
        let ours = BTreeSet::from(["0.0.0.0:3001".parse().unwrap()]);
        let ours = complaint(4000, 3001, &ours);
        assert!(ours.contains("3001, which is the public one"), "{ours}");
        assert!(
            ours.contains("(4000)") && !ours.contains("--app-port"),
            "{ours}"
        );
    }
}
