//! Signals go to the whole process, so this test has one for itself.

#[test]
fn signals() {
    stelo_runtime::check::signals::signals::<stelo_smol::Smol>("signals");
}
