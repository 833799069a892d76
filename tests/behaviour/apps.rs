//! Small applications that several themes use.

use stelo_toolkit::{App, HttpError, Request, get, post};

/// `GET /` answers, `POST /read` reads the body and says how long it was.
pub(crate) fn reader() -> App {
    async fn read(mut request: Request) -> Result<String, HttpError> {
        Ok(request.body().await?.len().to_string())
    }
    App::new().route("/", get(async || "hello")).route("/read", post(read))
}

/// Answers any path with that path.
pub(crate) fn paths() -> App {
    App::new().fallback(async |request: Request| request.path().to_owned())
}
