//! A door out of a machine: what its programs dial on their loopback is answered on that of the
//! system, where the databases are.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use transport::tasks::Tasks;

use super::Machine;

/// An open door; it closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Door(Tasks);

impl Door {
    /// Opens a door to a port of the system's loopback, under the same number.
    pub(crate) async fn open(machine: &Machine, port: u16) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (streams, mut taken) = mpsc::channel(QUEUE);
        let within = machine.run(async move {
            let listener = TcpListener::bind(address).await.context("open a door")?;
            Ok(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // To be driven outside. Fails when the door is closed.
                    let Ok(stream) = stream.into_std() else {
                        return;
                    };
                    if streams.send(stream).await.is_err() {
                        return;
                    }
                }
            })
        });
        machine.start("door", within.await?);
        let tasks = Tasks::new();
        let door = Self(tasks.clone());
        tasks.clone().spawn("door", async move {
            let stopping = tasks.clone();
            let pass = async {
                while let Some(stream) = taken.recv().await {
                    tasks.spawn("through a door", async move {
                        let mut within = TcpStream::from_std(stream)?;
                        let mut outside = TcpStream::connect(address).await?;
                        tokio::io::copy_bidirectional(&mut within, &mut outside).await
                    });
                }
            };
            tokio::select! {
                () = pass => {}
                () = stopping.stopping() => {}
            }
        });
        Ok(door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Connections that wait to be driven.
const QUEUE: usize = 16;
