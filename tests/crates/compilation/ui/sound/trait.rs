use shared_value::{SharedValue, Synchronized};

// A module in place of the crate, with a trait of its own.
mod other {
    pub mod __private {
        pub use shared_value::__private::*;

        pub unsafe trait SharedValue {
            const FIELDS: &'static [Field];
            const LAYOUT: &'static TypeLayout;
            const DESCRIBE: Describe = Describe;

            fn fields<V: FieldVisitor>(visitor: &mut V);
            fn visit<F, V>(_: &mut V, _: usize) {}
        }
    }
}

#[derive(SharedValue, Clone, Copy)]
#[shared(crate = "other")]
#[repr(C)]
struct Account {
    frozen: bool,
}

fn main() {
    let _ = Synchronized::new(Account { frozen: true });
}
