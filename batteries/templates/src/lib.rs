//! Templates for Stelo: pages by [`minijinja`], whose syntax is that of Jinja.
//!
//! ```
//! use stelo_templates::{Templates, context};
//! use stelo_toolkit::{App, HttpError, Request, Response, State, TestClient, get};
//!
//! async fn user(State(templates): State<Templates>, request: Request) -> Result<Response, HttpError> {
//!     let id: u32 = request.path_param("id")?;
//!     templates.response(&request, "user.html", context! { id })
//! }
//!
//! let page = "<a href=\"{{ url_for('user', id=id + 1) }}\">next</a>";
//! let templates = Templates::from_sources([("user.html", page)])?;
//! let app = App::new().state(templates).route("/users/{id:int}", get(user)).name("user");
//! let text = TestClient::new(app).get("/users/7").send().text();
//! assert_eq!(text, "<a href=\"http:&#x2f;&#x2f;testserver&#x2f;users&#x2f;8\">next</a>");
//! # Ok::<(), stelo_templates::TemplateError>(())
//! ```
//!
//! | in a template | is |
//! |---|---|
//! | `url_for("name", id=7)` | the URL of a route |
//! | `static_url("css/site.css")` | the path of a static file, with a hash of its content |
//! | `csp_nonce` | the nonce of the content security policy; empty without one |
//! | `request.method`, `request.path`, `request.url`, `request.query.name` | the request |
#![forbid(unsafe_code)]

mod error;
mod links;
mod sources;
mod templates;

pub use self::error::TemplateError;
pub use self::templates::{Rendered, Templates};
pub use minijinja::value::Serde;
pub use minijinja::{self, Value, context};
