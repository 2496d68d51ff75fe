//! Every kind of type.

use memory::SharedValue;

/// A newtype.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(transparent)]
pub struct Meters(pub f64);

/// A tuple struct.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Pair(pub u32, pub [u16; 2]);

/// A generic struct.
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Matrix<T: Default, const N: usize>
where
    T: PartialEq,
{
    /// The cells in rows.
    pub cells: [[T; N]; N],
    /// The number of writes.
    #[shared(atomic)]
    pub writes: u64,
}

/// A deprecated struct.
#[deprecated = "use something else"]
#[derive(SharedValue, Clone, Copy, Debug)]
#[shared(crate = "memory")]
#[repr(C)]
pub struct Old {
    /// A number.
    pub value: u8,
}

macro_rules! fields {
    ($($field:ident)*) => {
        /// A struct of 64 fields.
        #[derive(SharedValue, Clone, Copy, Debug)]
        #[shared(crate = "memory")]
        #[repr(C)]
        pub struct Long {
            $(
                /// One of the fields.
                pub $field: u16,
            )*
        }
    };
}

fields! {
    a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
    e0 e1 e2 e3 e4 e5 e6 e7 f0 f1 f2 f3 f4 f5 f6 f7 g0 g1 g2 g3 g4 g5 g6 g7 h0 h1 h2 h3 h4 h5 h6 h7
}
