//! What an end runs on: a runtime whose threads are all in one network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use transport::tasks::Tasks;

use super::Namespace;

/// What an end runs on. Its tasks end when it is dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    address: Ipv4Addr,
    /// Where it is; `None` if its network is the system's.
    namespace: Option<Arc<Namespace>>,
    tasks: Tasks,
    // There until this is dropped.
    runtime: Option<Runtime>,
}

impl Machine {
    /// Makes a machine that is this one.
    pub(super) fn here() -> Result<Self> {
        Self::new(Ipv4Addr::LOCALHOST, None, &mut builder())
    }

    /// Makes a machine whose network is a namespace.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "there are no namespaces")
    )]
    pub(super) fn within(namespace: Namespace, address: Ipv4Addr) -> Result<Self> {
        let namespace = Arc::new(namespace);
        let mut builder = builder();
        let inside = Arc::clone(&namespace);
        builder.on_thread_start(move || {
            // One that stays outside finds no address of this network: what it binds or dials fails.
            inside.enter().ok();
        });
        Self::new(address, Some(namespace), &mut builder)
    }

    fn new(
        address: Ipv4Addr,
        namespace: Option<Arc<Namespace>>,
        builder: &mut Builder,
    ) -> Result<Self> {
        Ok(Self {
            address,
            namespace,
            tasks: Tasks::new(),
            runtime: Some(builder.build().context("start a runtime")?),
        })
    }

    /// Returns the address that the other machine reaches, with a port that the system chooses.
    pub(crate) const fn any_port(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.address), 0)
    }

    /// Prepares a program to be run on the machine.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                // It becomes the program, which so has its process id.
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={}", namespace.path()));
                command.arg("--").arg(program);
                command
            }
        }
    }

    /// Returns the owner of the machine's tasks.
    pub(crate) const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Runs work on the machine: what it binds, dials or starts is in the machine's network.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let running = self.start("work", work);
        running.context("the machine has ended")?.await?
    }

    /// Starts a task on the machine; `None` if it has ended.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        let _inside = self.runtime.as_ref()?.enter();
        Some(self.tasks.spawn(name, work))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may be a task, which must not wait.
            runtime.shutdown_background();
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all();
    builder
}

/// So that one task that keeps a thread busy does not keep the line behind it waiting.
const WORKERS: usize = 2;
