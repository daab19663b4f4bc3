//! A relay between the laptop and the server, which cuts.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use transport::tasks::Tasks;

/// A relay; its connections end when it is dropped.
pub(super) struct Relay {
    /// Where the laptop finds the server.
    pub(super) address: SocketAddr,
    cuts: broadcast::Sender<()>,
    tasks: Tasks,
}

impl Relay {
    /// Puts a relay before a server, which need not be there.
    pub(super) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, tasks) = (broadcast::Sender::new(1), Tasks::new());
        let (heard, owner) = (cuts.clone(), tasks.clone());
        tasks.spawn("relay", async move {
            loop {
                let near = listener.accept().await.unwrap().0;
                let mut cut = heard.subscribe();
                owner.spawn("relayed connection", async move {
                    tokio::select! {
                        () = pass(near, server) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self {
            address,
            cuts,
            tasks,
        }
    }

    /// Cuts every connection.
    pub(super) fn cut(&self) {
        // Perhaps there is none.
        self.cuts.send(()).ok();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn pass(mut near: TcpStream, server: SocketAddr) {
    let far = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(server)).await;
    if let Ok(Ok(mut far)) = far {
        near.set_nodelay(true).ok();
        far.set_nodelay(true).ok();
        // Either end may go when it likes.
        copy_bidirectional(&mut near, &mut far).await.ok();
    }
}
