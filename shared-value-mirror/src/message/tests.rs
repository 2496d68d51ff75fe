use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn position(identity: u128, sequence: u64) -> Position {
    Position { identity, session: 3, sequence }
}

/// A message of each kind.
fn messages() -> Vec<Vec<u8>> {
    let whole = Bytes::Whole { schema: "u64\n", bytes: &[7; 8], capacity: Some(3) };
    let blocks = Bytes::Blocks(Blocks { fingerprint: 9, length: 8, parts: vec![(0, &[1; 4]), (4, &[2; 4])] });
    let entries = vec![Entry { key: "a", bytes: whole }, Entry { key: "b", bytes: blocks }];
    let shape = Shape::Arena { capacity: 1 << 20 };
    let news = News { position: position(u128::MAX, 5), base: Some(4), shape, entries, removed: vec!["c"] };
    vec![
        encode(&Request { base: Some(position(1, 2)), patience: 500 }),
        encode(&Answer::Absent),
        encode(&Answer::Same(position(1, 2))),
        encode(&Answer::News(news)),
    ]
}

#[test]
fn a_message_is_decoded_as_it_was_encoded() {
    let messages = messages();
    let request: Request = decode(&messages[0]).expect("it is a request");
    assert_eq!(request, Request { base: Some(position(1, 2)), patience: 500 });
    let Answer::News(news) = decode(&messages[3]).expect("it is an answer") else { panic!("it is news") };
    assert_eq!(encode(&Answer::News(news)), messages[3]);
}

/// Another release would misread it.
#[test]
fn another_version_of_the_protocol_is_refused_by_name() {
    let mut message = messages().remove(1);
    message[4] += 1;
    let error = decode::<Answer<'_>>(&message).expect_err("it is of another version").to_string();
    assert!(error.contains("version 1 of the protocol") && error.contains("version 2"), "{error}");
    assert!(decode::<Answer<'_>>(b"svm").is_err() && decode::<Answer<'_>>(&[]).is_err());
    message[4] -= 1;
    message.push(0);
    assert!(decode::<Answer<'_>>(&message).is_err(), "there is something behind its end");
}

/// A message of some megabytes would take gigabytes of the follower's memory.
#[test]
fn messages_of_many_small_parts_are_refused() {
    let news = |entries, removed| {
        let shape = Shape::Arena { capacity: 1 << 20 };
        encode(&Answer::News(News { position: position(1, 5), base: Some(4), shape, entries, removed }))
    };
    let blocks = |parts| Entry { key: "", bytes: Bytes::Blocks(Blocks { fingerprint: 9, length: 8, parts }) };
    let is_decoded = |message: Vec<u8>| decode::<Answer<'_>>(&message).is_ok();
    assert!(is_decoded(news(vec![], vec![""; REMOVED])));
    assert!(!is_decoded(news(vec![], vec![""; REMOVED + 1])));
    assert!(is_decoded(news(vec![blocks(vec![(0, &[1; 16]); 1000])], vec![])));
    assert!(!is_decoded(news(vec![blocks(vec![(0, &[]); 1000])], vec![])));
    assert!(is_decoded(news(vec![blocks(vec![]); 1000], vec![])));
    assert!(!is_decoded(news(vec![blocks(vec![]); VALUES + 1], vec![])));
}

proptest! {
    /// Whatever comes from the network, decoding neither panics nor takes memory that the message does not account for.
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode::<Answer<'_>>(&bytes);
        let mut framed = b"svmi\x01".to_vec();
        framed.extend(&bytes);
        let _ = decode::<Answer<'_>>(&framed);
        let _ = decode::<Request>(&framed);
    }

    #[test]
    fn messages_with_changed_bytes_are_decoded_or_refused(kind in 0..4_usize, at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
        let mut message = messages().swap_remove(kind);
        let at = at.index(message.len());
        message[at] = to;
        if cut {
            message.truncate(at);
        }
        if let Ok(Answer::News(news)) = decode::<Answer<'_>>(&message) {
            prop_assert!(news.entries.len() <= message.len() && news.removed.len() <= message.len());
        }
    }
}
