//! The guard of a lock, across an `.await`, in a closure.

use std::sync::{Arc, Mutex};

use stelo::{App, get};

async fn wait() {}

fn main() {
    let names = Arc::new(Mutex::new(Vec::<String>::new()));
    let add = move || {
        let names = names.clone();
        async move {
            let mut names = names.lock().unwrap();
            wait().await;
            names.push("tea".into());
        }
    };
    stelo::run(App::new().route("/", get(add))); //~ here
}

//~ future cannot be sent between threads safely
//~ MutexGuard<'_, Vec<String>>`
