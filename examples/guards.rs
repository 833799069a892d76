//! Middleware that admit, refuse and limit: CORS, protection against forged requests, a policy for scripts, limits.
//!
//! `cargo run --example guards`, then open `http://127.0.0.1:8000/`. Pages of other sites on 127.0.0.1 can read and
//! change `/tea`. Only the page of this site can send an order.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stelo::middleware::{
    BodyLimit, ContentSecurityPolicy, Cors, CspNonce, Csrf, Quota, RateLimit, RequestId, SecurityHeaders,
    Timeout,
};
use stelo::{App, Extension, Html, get, post};

static ORDERS: AtomicUsize = AtomicUsize::new(0);

/// The second script has no nonce, as one that an attacker has put into the page. The browser does not run it.
async fn page(Extension(nonce): Extension<CspNonce>) -> Html<String> {
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<title>Tea</title>
<h1>Tea</h1>
<button>Order</button> <output></output>
<script nonce="{nonce}">
const order = async () => {{
    const response = await fetch('/order', {{ method: 'POST' }});
    document.querySelector('output').textContent = await response.text();
}};
document.querySelector('button').onclick = order;
</script>
<script>document.title = 'stolen';</script>
</html>
"#
    ))
}

async fn change(flavour: String) -> String {
    format!("{flavour} tea")
}

async fn orders() -> String {
    format!("{} orders", ORDERS.load(Ordering::Relaxed))
}

async fn order() -> String {
    format!("order {}", ORDERS.fetch_add(1, Ordering::Relaxed) + 1)
}

fn main() -> ExitCode {
    let cors = Cors::new()
        .allow_origin_if(|origin| origin.starts_with("http://127.0.0.1:"))
        .allow_methods(["GET", "PUT"])
        .allow_headers(["x-flavour"]);
    let policy = ContentSecurityPolicy::strict();
    let app = App::new()
        .middleware(RequestId::new())
        .middleware(cors)
        .middleware(SecurityHeaders::new().content_security_policy(policy))
        .middleware(RateLimit::new(Quota::per_minute(100)))
        .middleware(Timeout::new(Duration::from_secs(10)))
        .middleware(BodyLimit::new(1000))
        .route("/", get(page))
        .route("/tea", get("black tea").put(change))
        .route("/orders", get(orders))
        .route("/order", post(order).middleware(Csrf::new()));
    stelo::run(app)
}
