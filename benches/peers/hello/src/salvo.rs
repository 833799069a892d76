//! The text on salvo.
use salvo::prelude::*;

#[handler]
async fn hello() -> &'static str {
    "Hello, World!"
}

fn main() -> std::io::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let acceptor = TcpListener::new("127.0.0.1:8000").bind().await;
        Server::new(acceptor).serve(Router::new().get(hello)).await;
    });
    Ok(())
}
