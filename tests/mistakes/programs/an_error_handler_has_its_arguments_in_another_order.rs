//! An error handler that takes the error before the request.

use stelo::{App, HttpError, Request, Status};

async fn missing(error: HttpError, _: Request) -> String {
    error.to_string()
}

fn main() {
    stelo::run(App::new().error_handler(Status::NOT_FOUND, missing)); //~ here
}

//~ type mismatch in function arguments
//~ expected function signature `fn(stelo::Request, HttpError) -> _`
