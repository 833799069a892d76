//! Middleware: a header field on every response, authentication for a part of the site, and a value that a middleware
//! passes to handlers.
//!
//! `cargo run --example middleware`, then `curl -v http://127.0.0.1:8000/` and
//! `curl -H 'authorization: Bearer ada' http://127.0.0.1:8000/admin`.

use std::process::ExitCode;

use stelo::{App, Extension, HttpError, IntoResponse, Next, Request, Response, Router, Status, get, header};

#[derive(Clone)]
struct User(String);

/// Sees every response, those of errors too.
async fn no_sniffing(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers.set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

/// Rejects requests without a user, and passes the user to the handlers.
async fn locked(mut request: Request, next: Next) -> Result<Response, HttpError> {
    let field = request.headers().get_str("authorization");
    let Some(user) = field.and_then(|field| field.strip_prefix("Bearer ")) else {
        return Err(HttpError::new(Status::UNAUTHORIZED).with_detail("say who you are"));
    };
    let user = User(user.to_owned());
    request.extensions_mut().insert(user);
    Ok(next.run(request).await)
}

async fn admin(Extension(User(name)): Extension<User>) -> impl IntoResponse {
    format!("welcome, {name}")
}

fn main() -> ExitCode {
    // The first middleware is the outermost. The middleware of a router is around its routes only.
    let private = Router::new().middleware(locked).route("", get(admin));
    let app = App::new().middleware(no_sniffing).route("/", get("public")).include("/admin", private);
    stelo::run(app)
}
