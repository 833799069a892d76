//! Signals go to the whole process, so this test has a process of its own.

#[test]
fn signals() {
    stelo_runtime::check::signals::signals::<stelo_smol::Smol>("signals");
}
