//! The text on trillium and tokio.
use trillium::Conn;

fn main() {
    trillium_tokio::config().with_port(8000).run(|conn: Conn| async { conn.ok("Hello, World!") });
}
