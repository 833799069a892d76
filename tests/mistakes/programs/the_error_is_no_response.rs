//! A `Result` whose error is no response.

async fn show() -> Result<String, std::io::Error> {
    std::fs::read_to_string("/etc/motd")
}

stelo::check_handler!(show); //~ here

fn main() {}

//~ `std::io::Error` is not a response
//~ stelo::Result<T>
