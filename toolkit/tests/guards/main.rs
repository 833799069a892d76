//! The middleware that admit, refuse, limit or identify requests.

mod around;
mod body_limit;
mod cors;
mod csrf;
mod hosts;
mod identifiers;
mod load;
mod rate_limit;
mod security_headers;
mod timeout;

use std::sync::Arc;

use stelo_core::app::{self, Address, BoxError, BoxFuture, Context, Executor, Reply};
use stelo_toolkit::App;

/// An application behind a proxy that the server trusts: the field `x-client` names the client.
struct Behind(App);

impl app::App for Behind {
    fn call(&self, mut request: app::Request) -> Reply {
        if let Some(client) = request.head().headers().get_str("x-client") {
            let client = Address::Ip((client.parse::<std::net::IpAddr>().expect("an address"), 1).into());
            let mut context = Context::derived(request.context().clone());
            context.set_client(client);
            request.set_context(Arc::new(context));
        }
        self.0.call(request)
    }

    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        self.0.startup(executor)
    }
}
