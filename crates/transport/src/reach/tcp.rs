//! The first two stages: a name becomes addresses, and one of them a TCP connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::Peer;
use super::error::{ReachError, ReachFault, Stage};
use super::race::{by_turns, race};
use super::stream::{ByteStream, Connected, Resolved, Seen};

/// Looks up the addresses of `peer`, as the system does it. Cancel-safe.
///
/// # Errors
/// [`ReachError`] if there is no such name, or nobody to ask.
pub async fn resolve(peer: &Peer) -> Result<Resolved, ReachError> {
    let failed = |fault: ReachFault| fault.at(Stage::Resolve, peer, Seen::default());
    let started = Instant::now();
    let found = timeout(RESOLVING, lookup_host((peer.host.as_str(), peer.port)))
        .await
        .map_err(|_| failed(ReachFault::Slow))?
        .map_err(|error| failed(ReachFault::Resolve(error)))?;
    let addresses = by_turns(found);
    if addresses.is_empty() {
        let nothing = io::ErrorKind::NotFound.into();
        return Err(failed(ReachFault::Resolve(nothing)));
    }
    let took = started.elapsed();
    Ok(Resolved { addresses, took })
}

/// Connects to the first address of `peer` that answers. Cancel-safe.
///
/// # Errors
/// [`ReachError`] if none does.
pub async fn connect(peer: &Peer, resolved: Resolved) -> Result<ByteStream, ReachError> {
    let started = Instant::now();
    let racing = race(resolved.addresses.clone(), open);
    let seen = Seen {
        resolved: Some(resolved),
        ..Seen::default()
    };
    let (stream, [local, remote]) = match timeout(CONNECTING, racing).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(errors)) => return Err(worst(errors).at(Stage::Connect, peer, seen)),
        Err(_) => return Err(ReachFault::Slow.at(Stage::Connect, peer, seen)),
    };
    let connected = Connected {
        local,
        remote,
        took: started.elapsed(),
    };
    let seen = Seen {
        connected: Some(connected),
        ..seen
    };
    Ok(ByteStream::new(stream, seen))
}

async fn open(address: SocketAddr) -> io::Result<(TcpStream, [SocketAddr; 2])> {
    let stream = TcpStream::connect(address).await?;
    tune(&stream);
    let ends = [stream.local_addr()?, stream.peer_addr()?];
    Ok((stream, ends))
}

/// Keeps small messages from waiting: at either end of a connection that carries packets.
pub fn tune(stream: &TcpStream) {
    // A log line is smaller than a segment and must not wait for the acknowledgement of another. A
    // socket that refuses is gone, which the next read tells.
    stream.set_nodelay(true).ok();
    keep_unsent_short(stream);
}

/// What lies in the socket's buffer can no longer be overtaken; what waits above it can.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_unsent_short(stream: &TcpStream) {
    // Without it the queue is longer, and all else is as it was.
    socket2::SockRef::from(stream)
        .set_tcp_notsent_lowat(MOST_UNSENT)
        .ok();
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_unsent_short(_stream: &TcpStream) {}

/// Chooses the failure that says most: a refusal tells that the machine is there, where an
/// address of the other family only tells that this machine has no way to it.
fn worst(errors: Vec<io::Error>) -> ReachFault {
    let is_refusal = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if errors.iter().any(is_refusal) {
        return ReachFault::Refused;
    }
    let last = errors.into_iter().next_back();
    ReachFault::Unreachable(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Resolvers give a name server 5 s before they ask the next one, which then has one second.
const RESOLVING: Duration = Duration::from_secs(6);

/// A SYN is sent again after 1, 3 and 7 s: three of them may be lost.
const CONNECTING: Duration = Duration::from_secs(8);

/// One record of TLS. More is throughput to nobody: the kernel asks for more long before it has
/// sent that much.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MOST_UNSENT: u32 = 16 * 1024;

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn sockets_send_at_once_and_hold_little() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stream, [local, remote]) = open(address).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!((local.ip(), remote), (address.ip(), address));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let socket = socket2::SockRef::from(&stream);
            assert_eq!(socket.tcp_notsent_lowat().unwrap(), MOST_UNSENT);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_is_given_up() {
        use crate::reach::Role;

        // A queue of one that is full: Linux drops whoever else knocks.
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let _first_in_the_queue = std::net::TcpStream::connect(address).unwrap();

        let peer = Peer {
            role: Role::Server,
            host: "server.example".to_owned(),
            port: address.port(),
        };
        let resolved = Resolved {
            addresses: vec![address],
            took: Duration::ZERO,
        };
        let started = Instant::now();
        let error = connect(&peer, resolved.clone()).await.unwrap_err();
        assert!(matches!(error.fault, ReachFault::Slow), "{error:?}");
        assert_eq!(started.elapsed(), CONNECTING);
        assert_eq!(error.seen.resolved, Some(resolved));
    }

    #[test]
    fn a_refusal_says_more_than_a_missing_way() {
        let errors = [
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::TimedOut,
        ];
        let all = errors.map(io::Error::from).into();
        assert!(matches!(worst(all), ReachFault::Refused));
        let all = vec![io::ErrorKind::NetworkUnreachable.into()];
        assert!(matches!(worst(all), ReachFault::Unreachable(_)));
    }
}
