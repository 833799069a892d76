//! actix-web, as it comes.

use std::io;
use std::net::TcpListener;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt};

use crate::account::{Account, FIELD};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    let server = HttpServer::new(|| App::new().default_service(web::to(answer)));
    rt::System::new().block_on(server.workers(1).disable_signals().listen(listener)?.run())
}

/// An unreadable body is answered with 400 before this handler; trailers are not available.
async fn answer(request: HttpRequest, body: Bytes) -> HttpResponse {
    let account = Account::new(request.method().as_str(), request.uri().to_string(), body);
    let status = StatusCode::from_u16(account.status()).expect("a status");
    HttpResponse::build(status).insert_header((FIELD, account.encode())).finish()
}
