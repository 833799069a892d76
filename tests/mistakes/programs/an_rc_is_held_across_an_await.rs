//! A value that is not `Send`, across an `.await`.

use std::rc::Rc;

async fn wait() {}

async fn show() -> String {
    let name = Rc::new(String::from("tea"));
    wait().await;
    name.to_string()
}

stelo::check_handler!(show); //~ here

fn main() {}

//~ future cannot be sent between threads safely
//~ `show` is not `Send`
//~ has type `Rc<String>` which is not `Send`
