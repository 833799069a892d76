//! The behaviour that every adapter must have.

stelo_runtime::suite!(stelo_async_std::AsyncStd);

#[test]
fn dropped_at_the_end() {
    stelo_runtime::check::tasks::dropped_at_the_end::<stelo_async_std::AsyncStd>();
}
