use shared_value::SharedValue;

// A module in place of the crate, in which everything is a visitor of fields.
mod other {
    pub mod __private {
        pub use shared_value::__private::*;

        pub trait FieldVisitor {
            fn field<F>(&mut self, _: usize) {}
        }

        impl<V> FieldVisitor for V {}
    }
}

#[derive(SharedValue, Clone, Copy)]
#[shared(crate = "other")]
#[repr(C)]
struct Account {
    frozen: bool,
}

fn main() {}
