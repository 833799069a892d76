//! The behaviour suite: what a client sees of a Stelo server, written once and run on every executor over real sockets.

mod addresses;
mod apps;
mod autobahn;
mod bad_input;
mod bodies;
mod codings;
mod connections;
mod containment;
mod demo;
mod errors;
mod events;
mod files;
mod folder;
mod forms;
mod guards;
mod http2;
mod keep_alive;
mod leaving;
mod limits;
mod proxies;
mod proxy_protocol;
mod responses;
mod shutdown;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_http;
#[cfg(feature = "tls")]
mod tls_in_time;
mod tunnels;
mod unix;
mod websocket;
mod websocket_end;
mod websocket_gone;
mod websocket_http2;
mod work;
