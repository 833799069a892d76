//! The text on xitca-web.
use xitca_web::{App, handler::handler_service, route::get};

fn main() -> std::io::Result<()> {
    let app = App::new().at("/", get(handler_service(async || "Hello, World!")));
    app.serve().bind(("127.0.0.1", 8000))?.run().wait()
}
