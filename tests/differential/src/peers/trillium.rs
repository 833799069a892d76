//! trillium, as it comes, on tokio.

use std::io;
use std::net::TcpListener;

use trillium::{Conn, Status};

use crate::account::{Account, FIELD};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        trillium_tokio::config().without_signals().with_prebound_server(listener).run_async(answer).await;
        Ok(())
    })
}

async fn answer(mut conn: Conn) -> Conn {
    let Ok(body) = conn.request_body().read_bytes().await else {
        return conn.with_status(Status::BadRequest).halt();
    };
    let mut account = Account::new(conn.method().as_str(), conn.path_and_query(), body);
    for (name, values) in conn.request_trailers().into_iter().flatten() {
        values.iter().for_each(|value| account.trailer(name.as_ref(), value.as_ref()));
    }
    conn.with_status(account.status()).with_response_header(FIELD, account.encode()).halt()
}
