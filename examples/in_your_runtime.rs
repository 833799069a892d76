//! A server beside other tasks, in an executor that the program has started itself. Here it is tokio.
//!
//! `cargo run --example in_your_runtime`.

use std::error::Error;

use stelo::{App, Config, Server, get};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let server = Server::new(Config::new().port(0));

        // A handle tells where the server listens, and stops it.
        let handle = server.handle();
        tokio::spawn(async move {
            for address in handle.listening().await.into_iter().flatten() {
                eprintln!("running on http://{address}");
            }
        });

        server.serve(App::new().route("/", get("from tokio"))).await?;
        Ok(())
    })
}
