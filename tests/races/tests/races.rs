//! Runs every scenario of the library.

macro_rules! races {
    ($($module:ident { $($scenario:ident)* })*) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                stelo_races::$module::$scenario();
            })*
        })*
    };
}

races! {
    body {
        the_last_piece_comes_before_the_end
        a_dropped_sender_is_no_end
        the_first_question_wakes_the_sender
        room_wakes_the_sender
        a_reader_that_goes_wakes_the_sender
    }
    readiness {
        no_report_is_lost
        a_report_reaches_both_directions
        a_hang_up_is_kept
        the_end_of_the_reactor_is_an_error
    }
    parking {
        no_wake_up_is_lost
        each_future_is_polled
        a_new_timer_is_noticed
    }
    members {
        the_last_member_ends_the_wait
        every_member_learns_of_the_shutdown
        a_slot_serves_one_member_at_a_time
        a_thread_ends_with_its_last_member
    }
}
