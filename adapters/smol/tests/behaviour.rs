//! The behaviour that every adapter must have.

stelo_runtime::suite!(stelo_smol::Smol);

#[test]
fn dropped_at_the_end() {
    stelo_runtime::check::tasks::dropped_at_the_end::<stelo_smol::Smol>();
}
