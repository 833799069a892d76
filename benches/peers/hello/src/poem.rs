//! The text on poem.
use poem::listener::TcpListener;
use poem::{Route, Server, get, handler};

#[handler]
fn hello() -> &'static str {
    "Hello, World!"
}

fn main() -> std::io::Result<()> {
    let server = Server::new(TcpListener::bind("127.0.0.1:8000"));
    tokio::runtime::Runtime::new()?.block_on(server.run(Route::new().at("/", get(hello))))
}
