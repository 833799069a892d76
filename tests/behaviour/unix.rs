//! Unix sockets: addresses, and the socket file.

use std::fs;
use std::os::unix::net::UnixListener;

use stelo_tests::{Closed, On, cases, config};
use stelo_toolkit::{App, Request, get};

use crate::apps;
use crate::folder::Folder;

cases!(
    requests_are_answered,
    a_client_without_a_name_has_no_address,
    the_file_is_removed_at_the_end,
    an_abandoned_socket_file_is_replaced,
    the_socket_file_of_another_server_is_left_alone,
    a_file_that_is_not_a_socket_is_left_alone,
    a_directory_that_is_missing_is_named,
);

fn requests_are_answered(on: On) {
    let folder = Folder::new(on, "answered");
    let server = on.serve_with(config().uds(folder.socket()).threads(2), apps::reader());
    let mut client = server.connect_unix(&folder.socket());
    assert_eq!([client.get("/").text(), client.get("/").text()], ["hello", "hello"]);
    client.half_close();
    assert_eq!(client.rest(), (Vec::new(), Closed::Ended));
}

fn a_client_without_a_name_has_no_address(on: On) {
    let folder = Folder::new(on, "address");
    let addresses = async |request: Request| format!("{:?} {:?}", request.client(), request.server());
    let server = on.serve_with(config().uds(folder.socket()), App::new().route("/", get(addresses)));
    let answer = server.connect_unix(&folder.socket()).get("/");
    assert_eq!(answer.text(), format!("None Some(Unix({:?}))", folder.socket()));
}

fn the_file_is_removed_at_the_end(on: On) {
    let folder = Folder::new(on, "removed");
    let server = on.serve_with(config().uds(folder.socket()), apps::reader());
    assert!(folder.socket().exists());
    server.stop().expect("an ordinary end");
    assert!(!folder.socket().exists());
}

fn an_abandoned_socket_file_is_replaced(on: On) {
    let folder = Folder::new(on, "stale");
    drop(UnixListener::bind(folder.socket()).expect("the path is free"));
    assert!(folder.socket().exists(), "a socket leaves its file behind");
    let server = on.serve_with(config().uds(folder.socket()), apps::reader());
    assert_eq!(server.connect_unix(&folder.socket()).get("/").text(), "hello");
}

fn the_socket_file_of_another_server_is_left_alone(on: On) {
    let folder = Folder::new(on, "taken");
    let server = on.serve_with(config().uds(folder.socket()), apps::reader());
    let error = on.try_serve(config().uds(folder.socket()), apps::reader()).expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {}: another program listens on this socket: stop it, or choose another path",
            folder.socket().display()
        )
    );
    assert_eq!(server.connect_unix(&folder.socket()).get("/").text(), "hello");
}

fn a_file_that_is_not_a_socket_is_left_alone(on: On) {
    let folder = Folder::new(on, "file");
    fs::write(folder.socket(), "precious").expect("a file can be made");
    assert!(on.try_serve(config().uds(folder.socket()), apps::reader()).is_err());
    assert_eq!(fs::read(folder.socket()).expect("the file is there"), b"precious");
}

fn a_directory_that_is_missing_is_named(on: On) {
    let folder = Folder::new(on, "missing");
    let path = folder.path("none/s");
    let error = on.try_serve(config().uds(&path), apps::reader()).expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {}: create the directory {} or choose another --uds",
            path.display(),
            folder.path("none").display()
        )
    );
}
