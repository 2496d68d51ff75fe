//! Texts: `Array('c', 20)` and its `value`.

use shared_value::{FixedStr, FixedStrError, SharedArray, Synchronized, Writable};
use shared_value_tests::{SegmentFile, SegmentName, fork};

type Text = FixedStr<20>;

/// (19 and 20) A child must double a text, with a lock and without one.
#[test]
fn a_child_doubles_a_text() {
    fn is_doubled<A: Writable>(text: &Synchronized<Text, A>) {
        assert_eq!(text.get(), "");
        text.set(Text::new("hello").unwrap()).unwrap();
        fork(|| text.update(|text| *text = Text::new(&text.repeat(2)).unwrap()).unwrap()).finish();
        assert_eq!(text.get(), "hellohello");
    }
    is_doubled(&Synchronized::new(Text::default()).unwrap());
    is_doubled(&Synchronized::options().unlocked().new(Text::default()).unwrap());
}

/// (22) A text may fill all bytes. A longer one must be refused, and the old one must stay.
#[test]
fn a_text_of_all_bytes_fits_and_a_longer_one_does_not() {
    let text = Synchronized::new(Text::default()).unwrap();
    let full = "x".repeat(20);
    text.set(Text::new(&full).unwrap()).unwrap();
    assert_eq!((text.get().as_str(), text.get().len()), (&*full, 20));
    let set = |longer: &str| Text::new(longer).map(|longer| text.set(longer).unwrap());
    assert_eq!(set(&"y".repeat(21)), Err(FixedStrError::TooLong { length: 21, capacity: 20 }));
    assert_eq!(set(&"ü".repeat(11)), Err(FixedStrError::TooLong { length: 22, capacity: 20 }), "bytes count");
    assert_eq!(text.get(), &*full);
}

/// (23) A text that holds a NUL would come back shorter, so it is refused. An array holds any bytes.
#[test]
fn a_text_holds_no_nul() {
    assert_eq!(Text::new("ab\0cd"), Err(FixedStrError::Nul { position: 2 }));
    let bytes = Synchronized::new(*b"ab\0cd").unwrap();
    fork(|| bytes.update(|bytes| bytes.reverse()).unwrap()).finish();
    assert_eq!(&bytes.get(), b"dc\0ba");
    let bytes = SharedArray::new(b"ab\0cd").unwrap();
    fork(|| bytes.update_all(<[u8]>::reverse).unwrap()).finish();
    assert_eq!(bytes.to_vec().unwrap(), b"dc\0ba");
}

/// (24) A shorter text must overwrite all of a longer one, in the file too.
#[test]
fn nothing_is_left_of_a_longer_text() {
    let name = SegmentName::new("text");
    let text = Synchronized::create(&name, Text::new("a secret of 20 bytes").unwrap()).unwrap();
    text.set(Text::new("short").unwrap()).unwrap();
    assert_eq!(text.get(), "short");
    let [_, committed] = SegmentFile::open(name.path()).cell(size_of::<Text>()).slots();
    assert_eq!(committed, *b"short\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}
