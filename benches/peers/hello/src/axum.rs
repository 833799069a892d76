//! The text on axum.
use axum::{Router, routing::get};

fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(|| async { "Hello, World!" }));
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 8000)).await?;
        axum::serve(listener, app).await
    })
}
