//! axum on axum-server, with TLS by rustls.
use axum::Router;
use axum::routing::get;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};

async fn serve(listener: tokio::net::TcpListener) {
    let app = Router::new()
        .route("/plaintext", get(|| async { common::HELLO }))
        .nest_service("/static", tower_http::services::ServeDir::new(common::static_dir()));
    let (cert, key) = common::certificate().expect("TLS_CERT and TLS_KEY are set");
    let config = RustlsConfig::from_pem_file(cert, key).await.unwrap();
    let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
    let server = axum_server::from_tcp(listener.into_std().unwrap()).unwrap();
    server.acceptor(acceptor).serve(app.into_make_service()).await.unwrap();
}

fn main() {
    common::run_tokio(serve)
}
