//! Stelo together with other crates: applications and their tests on the three executors, and the types of `http`.

mod executors;
mod proxy;
mod test_client;
