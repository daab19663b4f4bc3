//! `tunnel flags --serve`: flags for local apps, over OFREP on loopback.

use std::future::pending;
use std::time::Duration;

use client::TunnelClient;
use features::flags::ofrep::{BindError, Ofrep};
use serde::Serialize;
use transport::tasks::Tasks;

use super::export::Export;
use super::live::Live;
use super::project::Project;
use super::{show, watch};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;

/// Connects, and serves until stopped.
pub(super) async fn run(
    context: &Context,
    connection: &ConnectionOptions,
    project: Project,
    (port, export): (u16, Option<Export>),
) -> Result<(), Failure> {
    let ofrep = Ofrep::bind(port).await.map_err(|error| no_port(&error))?;
    let live = Live::begin(context, project)?;
    let writing = async {
        match &export {
            Some(export) => watch::write(context, &live, export).await,
            None => pending().await,
        }
    };
    let beside = async {
        tokio::select! {
            ended = live.follow(connection) => ended,
            written = writing => written,
        }
    };
    serve(context, &live, ofrep, beside).await
}

/// Serves production's flags over a connection that somebody else holds, until stopped.
///
/// # Errors
/// [`Failure`] if the port cannot be had, or the connection ends for good.
pub async fn serve_until_stopped(
    context: &Context,
    connection: &ConnectionOptions,
    client: &TunnelClient,
    port: u16,
) -> Result<(), Failure> {
    let ofrep = Ofrep::bind(port).await.map_err(|error| no_port(&error))?;
    let live = Live::begin(context, Project::of(context, connection)?)?;
    serve(context, &live, ofrep, live.over(client)).await
}

/// Serves the newest view, as soon as there is one, until what goes on beside it ends; then ends in order.
async fn serve(
    context: &Context,
    live: &Live<'_>,
    ofrep: Ofrep,
    beside: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let tasks = Tasks::new();
    let serving = async {
        let view = live.filled().await;
        show::troubles(context, &view);
        announce(context, &ofrep, view.flags.len())?;
        ofrep.run(live.watch(), &tasks).await;
        Ok(())
    };
    let served = tokio::select! {
        served = serving => served,
        ended = beside => ended,
        () = live.keep() => Ok(()),
    };
    tasks.shutdown(GRACE).await;
    served
}

fn announce(context: &Context, ofrep: &Ofrep, flags: usize) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Serving {
        serving: String,
        flags: usize,
    }
    let url = format!("http://{}", ofrep.address());
    match context.screen.format() {
        Format::Json => context.screen.json(&Serving {
            serving: url,
            flags,
        }),
        Format::Human => {
            context
                .screen
                .data(&format!("serving {flags} flags at {url}\n"))?;
            context.screen.hint(&format!(
                "OpenFeature: an OFREP provider with this address. {url}/flags shows them. ^C ends it."
            ));
            Ok(())
        }
    }
}

fn no_port(error: &BindError) -> Failure {
    let failure = Failure::failed(error.to_string());
    match error.is_in_use() {
        true => failure.hint("another program has it, flagd perhaps: choose another with --port"),
        false => failure.hint("choose another port with --port"),
    }
}

/// An evaluation takes no time.
const GRACE: Duration = Duration::from_millis(200);
