//! The values that the tests look at.

use shared_value::{FixedStr, SharedValue};

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum State {
    Open = 1,
    Frozen = 2,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Account {
    pub(crate) balance: i64,
    pub(crate) state: State,
    pub(crate) owner: FixedStr<11>,
    pub(crate) limits: [u32; 4],
    pub(crate) corners: [Point; 2],
    #[shared(atomic)]
    pub(crate) requests: u64,
}

impl Account {
    pub(crate) fn new(balance: i64) -> Self {
        Self {
            balance,
            state: State::Open,
            owner: FixedStr::new("Ann").expect("it is short"),
            limits: [10, 20, 30, 40],
            corners: [Point { x: 0.5, y: 1.5 }, Point { x: 2.5, y: 3.5 }],
            requests: 7,
        }
    }
}
