//! The text on ntex.
use ntex::web::{self, App, HttpServer};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(async || App::new().route("/", web::get().to(|| async { "Hello, World!" })))
        .bind(("127.0.0.1", 8000))?
        .run()
        .await
}
