//! A future of the request that is not awaited.

use stelo::{Request, Result};

async fn echo(mut request: Request) -> Result<String> {
    let text = request.text()?; //~ here
    Ok(text)
}

stelo::check_handler!(echo);

fn main() {}

//~ consider `await`ing on the `Future`
