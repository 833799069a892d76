//! The application: a table of routes, an immediate answer, and an answer that waits for the body.

use alloc::format;
use alloc::string::ToString;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::{Method, Status};
use stelo_core::routing::{Builder, Captures, Found, RouteError, Router};

pub(crate) struct Site {
    router: Router<Page>,
}

enum Page {
    User,
    Echo,
}

impl Site {
    pub(crate) fn new() -> Result<Self, RouteError> {
        let mut builder = Builder::new();
        builder.route("/users/{id:int}", Method::Get, Page::User);
        builder.route("/echo", Method::Post, Page::Echo);
        Ok(Self { router: builder.build()? })
    }
}

impl App for Site {
    fn call(&self, request: Request) -> Reply {
        let (head, mut captures) = (request.head(), Captures::new());
        let host = head.authority().unwrap_or_default();
        let Found::Match(found) = self.router.find(host, head.path(), head.method(), &mut captures) else {
            return Response::empty(Status::NOT_FOUND).into();
        };
        match found.value {
            Page::User => {
                let (_, id) =
                    captures.values(self.router.params(found.route), head.path()).next().unwrap_or_default();
                Response::text(Status::OK, format!("user {id}\n")).into()
            }
            Page::Echo => Reply::future(async move {
                let (_, body, _) = request.into_parts();
                match body.collect(1024).await {
                    Ok(bytes) => Response::text(Status::OK, bytes),
                    Err(error) => Response::text(Status::BAD_REQUEST, error.to_string()),
                }
            }),
        }
    }
}
