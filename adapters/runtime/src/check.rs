//! The behaviour that every adapter must have, as tests. An adapter includes them with [`suite!`](crate::suite).
//!
//! Each case runs the executor on the calling thread, and talks to it through blocking sockets of the standard library
//! on another. No case sleeps in order to wait for an effect; a case that hangs fails at a deadline.
//!
//! | module | what it checks |
//! |---|---|
//! | [`streams`] | reading, writing, the ends of a connection |
//! | [`hangups`] | hang-ups that are seen without reading |
//! | [`listeners`] | binding, sharing, inherited sockets, and the file of a Unix socket |
//! | [`outgoing`] | connecting, and name resolution |
//! | [`tasks`] | spawning, blocking work, timers |
//! | [`signals`] | signals; for a test binary of its own |

mod folder;
pub mod hangups;
pub mod listeners;
pub mod outgoing;
mod peer;
pub mod signals;
pub mod streams;
pub mod tasks;

pub use folder::Folder;

/// Defines the tests for a [`Runtime`](crate::Runtime).
#[macro_export]
macro_rules! suite {
    ($runtime:ty) => {
        $crate::suite! { $runtime;
            streams [
                echo_tcp echo_unix vectored_write half_close own_close peer_reset back_pressure sent_file addresses
            ]
            hangups [
                close_with_unread_bytes reset_with_unread_bytes close_of_a_unix_socket half_close_before_the_answer
                no_false_report reads_go_on
            ]
            listeners [
                port_zero ipv6 dual_stack address_taken shared_tcp shared_unix accepts_many inherited file_removed
            ]
            outgoing [
                connect_tcp connect_unix connect_refused connect_dropped resolve_localhost resolve_failure
                resolve_dropped
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
