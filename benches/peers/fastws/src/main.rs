//! The echo server of fastwebsockets' own example, over hyper's upgrade.
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError, upgrade};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};

async fn echo(up: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let mut ws = FragmentCollector::new(up.await?);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn handle(
    mut req: Request<Incoming>,
) -> Result<
    Response<
        impl hyper::body::Body<Data = hyper::body::Bytes, Error: std::error::Error + Send + Sync + 'static>,
    >,
    WebSocketError,
> {
    let (reply, up) = upgrade::upgrade(&mut req)?;
    tokio::spawn(tokio::task::unconstrained(async move { echo(up).await.ok() }));
    Ok(reply)
}

async fn serve(listener: tokio::net::TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(http1::Builder::new().serve_connection(io, service_fn(handle)).with_upgrades());
    }
}

fn main() {
    common::run_tokio(serve)
}
