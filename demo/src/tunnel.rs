//! A tunnel that echoes, after a switch to a protocol of its own.

use stelo_core::app::{Tunnel, Upgrade};
use stelo_toolkit::{Response, Status};

/// Switches to the protocol `echo`.
pub(crate) async fn echo() -> Response {
    let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
    response.headers.set("connection", "upgrade");
    response.headers.set("upgrade", "echo");
    response.upgrade = Some(Upgrade::tunnel(run));
    response
}

async fn run(mut tunnel: Tunnel) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = tunnel.read(&mut buf).await {
        if tunnel.write_all(buf.get(..n).unwrap_or_default()).await.is_err() {
            return;
        }
    }
}
