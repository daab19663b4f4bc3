//! Plain TCP, a connection for each flow: how much of a link its congestion control takes.

use std::net::SocketAddr;

use anyhow::Result;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};

use super::bytes::{ask, asked, pull, push};
use super::tally::{Clock, Tally};
use super::{Flow, Joined};
use crate::lab::Lab;

#[derive(Debug)]
struct Tcp {
    server: SocketAddr,
}

/// Starts a server; each flow connects anew.
pub(super) async fn join(lab: &Lab, clock: Clock) -> Result<Box<dyn Joined>> {
    let (address, tasks) = (lab.server.any_port(), lab.server.tasks().clone());
    let server = lab.server.run(async move {
        let listener = TcpListener::bind(address).await?;
        let server = listener.local_addr()?;
        let owner = tasks.clone();
        tasks.spawn("plain TCP", async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                owner.spawn("flow", async move {
                    stream.set_nodelay(true)?;
                    let flow = asked(&mut stream).await?;
                    push(flow, clock, &mut stream).await
                });
            }
        });
        Ok(server)
    });
    let server = server.await?;
    Ok(Box::new(Tcp { server }))
}

impl Joined for Tcp {
    fn receive(&self, flow: Flow, tally: Tally) -> BoxFuture<'static, Result<()>> {
        let server = self.server;
        Box::pin(async move {
            let mut stream = TcpStream::connect(server).await?;
            ask(flow, &mut stream).await?;
            pull(flow, &tally, &mut stream).await
        })
    }
}
