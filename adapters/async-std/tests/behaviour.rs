//! The behaviour that every adapter has to show.

stelo_runtime::suite!(stelo_async_std::AsyncStd);
