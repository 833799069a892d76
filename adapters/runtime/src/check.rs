//! The behaviour that every adapter has to show, as tests that an adapter takes over with [`suite!`](crate::suite).
//!
//! Each case runs the executor on the calling thread and talks to it through plain blocking sockets of the standard
//! library on another. Nothing sleeps in order to wait for something; where a case could hang, a deadline fails it.
//!
//! | module | what it checks |
//! |---|---|
//! | [`streams`] | reading, writing, the ends of a connection |
//! | [`listeners`] | binding, sharing, adopting, and the file of a Unix socket |
//! | [`tasks`] | spawning, blocking work, timers |
//! | [`signals`] | `SIGINT` and `SIGTERM`; for a test binary of its own |

mod folder;
pub mod listeners;
mod peer;
pub mod signals;
pub mod streams;
pub mod tasks;

pub use folder::Folder;

/// The tests for the [`Runtime`](crate::Runtime) given.
#[macro_export]
macro_rules! suite {
    ($runtime:ty) => {
        $crate::suite! { $runtime;
            streams [
                echo_tcp echo_unix vectored_write half_close end_of_ours peer_reset back_pressure sent_file addresses
            ]
            listeners [
                port_zero ipv6 address_taken shared_tcp shared_unix accepts_many adopted file_removed
            ]
            tasks [
                timers_in_order timer_reset spawn_from_another_thread current_spawns blocking_work panic_is_contained
            ]
        }
    };
    ($runtime:ty; $($module:ident [$($case:ident)+])+) => {
        $($(
            #[test]
            fn $case() {
                $crate::check::$module::$case::<$runtime>();
            }
        )+)+
    };
}
