//! Offers and the answers to them.

use alloc::string::ToString;

use crate::http::Headers;
use crate::ws::deflate::{Deflate, Offer, Unacceptable};

fn headers(lines: &[&str]) -> Headers {
    let mut headers = Headers::new();
    for line in lines {
        headers.try_append("Sec-WebSocket-Extensions", line).expect("a field");
    }
    headers
}

const LARGE: Deflate = Deflate::DEFAULT.server_max_window_bits(15).client_max_window_bits(15);
const SMALL: Deflate = Deflate::DEFAULT.server_max_window_bits(9).client_max_window_bits(8);
const AFRESH: Deflate = Deflate::DEFAULT.server_no_context_takeover(true).client_no_context_takeover(true);

#[test]
fn a_server_answers_the_first_offer_that_it_understands() {
    for (config, offers, answer) in [
        // The offer of browsers, and Uvicorn's answer to it.
        (
            Deflate::DEFAULT,
            &["permessage-deflate; client_max_window_bits"][..],
            Some("; server_max_window_bits=12; client_max_window_bits=12"),
        ),
        (Deflate::DEFAULT, &["permessage-deflate"], Some("; server_max_window_bits=12")),
        (LARGE, &["permessage-deflate"], Some("")),
        (LARGE, &["permessage-deflate; client_max_window_bits"], Some("")),
        // Autobahn 13.3 to 13.7
        (LARGE, &["permessage-deflate; server_max_window_bits=9"], Some("; server_max_window_bits=9")),
        (LARGE, &["permessage-deflate; server_max_window_bits=15"], Some("; server_max_window_bits=15")),
        (
            Deflate::DEFAULT,
            &["permessage-deflate; server_max_window_bits=15"],
            Some("; server_max_window_bits=12"),
        ),
        (
            Deflate::DEFAULT,
            &["permessage-deflate; server_max_window_bits=8"],
            Some("; server_max_window_bits=8"),
        ),
        (
            LARGE,
            &["permessage-deflate; client_max_window_bits=9; server_max_window_bits=9"],
            Some("; server_max_window_bits=9; client_max_window_bits=9"),
        ),
        (
            LARGE,
            &["permessage-deflate; server_no_context_takeover; server_max_window_bits=15"],
            Some("; server_no_context_takeover; server_max_window_bits=15"),
        ),
        (
            LARGE,
            &["permessage-deflate; server_no_context_takeover; client_no_context_takeover"],
            Some("; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            AFRESH,
            &["permessage-deflate"],
            Some("; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"),
        ),
        // The smaller of both windows is agreed on.
        (
            SMALL,
            &["permessage-deflate; client_max_window_bits=10; server_max_window_bits=12"],
            Some("; server_max_window_bits=9; client_max_window_bits=8"),
        ),
        // Several offers, on one line or more.
        (
            LARGE,
            &["permessage-deflate; who=knows, permessage-deflate; server_max_window_bits=10"],
            Some("; server_max_window_bits=10"),
        ),
        (
            LARGE,
            &["x-frobnicate", ", permessage-deflate; server_max_window_bits=11 , permessage-deflate"],
            Some("; server_max_window_bits=11"),
        ),
        // White space, quotes, upper case.
        (
            LARGE,
            &["Permessage-Deflate ;server_max_window_bits = \"10\""],
            Some("; server_max_window_bits=10"),
        ),
        (
            LARGE,
            &["x; y=\"a, permessage-deflate; \\\" b\", permessage-deflate; server_no_context_takeover"],
            Some("; server_no_context_takeover"),
        ),
        // Offers that are declined.
        (LARGE, &[], None),
        (LARGE, &["", ", ,"], None),
        (LARGE, &["deflate-frame", "permessage-bzip2"], None),
        (LARGE, &["permessage-deflate; unknown"], None),
        (LARGE, &["permessage-deflate;"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits="], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=7"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=16"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=010"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=+10"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=99999999999999999999"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=\"10"], None),
        (LARGE, &["permessage-deflate; client_max_window_bits=0"], None),
        (LARGE, &["permessage-deflate; client_max_window_bits; client_max_window_bits"], None),
        (LARGE, &["permessage-deflate; client_max_window_bits; client_max_window_bits=10"], None),
        (LARGE, &["permessage-deflate; client_max_window_bits=10; client_max_window_bits"], None),
        (LARGE, &["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"], None),
        (LARGE, &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (LARGE, &["permessage-deflate; server_no_context_takeover=1"], None),
    ] {
        let agreed = config.answer(&headers(offers)).map(|agreed| agreed.to_string());
        let expected = answer.map(|parameters| std::format!("permessage-deflate{parameters}"));
        assert_eq!(agreed, expected, "{offers:?}");
    }
}

#[test]
fn a_client_offers_its_configuration() {
    for (config, offer) in [
        (Deflate::DEFAULT, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
        (LARGE, "permessage-deflate; client_max_window_bits"),
        (
            AFRESH,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; \
             client_max_window_bits=12",
        ),
        (
            Deflate::DEFAULT.server_max_window_bits(0).client_max_window_bits(255),
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits",
        ),
    ] {
        assert_eq!(config.offer().to_string(), offer);
    }
}

#[test]
fn a_client_accepts_only_what_it_has_offered() {
    for (config, answer, agreed) in [
        (Some(LARGE), &[][..], Ok(None)),
        (None, &[], Ok(None)),
        (None, &["permessage-deflate"], Err(Unacceptable)),
        (Some(LARGE), &["permessage-deflate"], Ok(Some((15, 15)))),
        (Some(LARGE), &["permessage-deflate; server_max_window_bits=10"], Ok(Some((10, 15)))),
        (Some(LARGE), &["permessage-deflate; client_max_window_bits=10"], Ok(Some((15, 10)))),
        (Some(LARGE), &["permessage-deflate; server_no_context_takeover"], Ok(Some((15, 15)))),
        // The client may use a smaller window than allowed.
        (Some(SMALL), &["permessage-deflate; server_max_window_bits=9"], Ok(Some((9, 8)))),
        (Some(SMALL), &["permessage-deflate"], Err(Unacceptable)),
        (Some(SMALL), &["permessage-deflate; server_max_window_bits=10"], Err(Unacceptable)),
        (
            Some(SMALL),
            &["permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"],
            Ok(Some((9, 8))),
        ),
        (Some(AFRESH), &["permessage-deflate; server_max_window_bits=12"], Err(Unacceptable)),
        (Some(LARGE), &["permessage-deflate; client_max_window_bits"], Err(Unacceptable)),
        (Some(LARGE), &["permessage-deflate, permessage-deflate"], Err(Unacceptable)),
        (Some(LARGE), &["permessage-deflate", "x"], Err(Unacceptable)),
        (Some(LARGE), &["x-frobnicate"], Err(Unacceptable)),
        (Some(LARGE), &["permessage-deflate; who=knows"], Err(Unacceptable)),
    ] {
        let offer = config.map(|config| config.offer());
        let windows = Offer::answered(offer.as_ref(), &headers(answer)).map(|parameters| {
            let windows = |bits: Option<u8>| bits.unwrap_or(15);
            parameters.map(|agreed| {
                (windows(agreed.server_max_window_bits), windows(agreed.client_max_window_bits))
            })
        });
        assert_eq!(windows, agreed, "{answer:?} to {offer:?}");
    }
}

#[test]
fn a_client_accepts_every_answer_of_a_server() {
    for server in [Deflate::DEFAULT, LARGE, SMALL, AFRESH] {
        for client in [Deflate::DEFAULT, LARGE, SMALL, AFRESH] {
            let offer = client.offer();
            let agreed = server.answer(&headers(&[&offer.to_string()])).expect("an answer");
            let taken = Offer::answered(Some(&offer), &headers(&[&agreed.to_string()]));
            assert_eq!(taken, Ok(Some(agreed)));
        }
    }
}
