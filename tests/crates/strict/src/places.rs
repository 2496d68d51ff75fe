//! Places in which a type can be declared.

mod private {
    use memory::SharedValue;

    /// A type that its parent module can see.
    #[derive(SharedValue, Clone, Copy, Debug)]
    #[shared(crate = "::memory")]
    #[repr(C)]
    pub(super) struct Hidden {
        pub(super) seen: u32,
        unseen: u32,
    }

    impl Hidden {
        pub(super) fn new() -> Self {
            Self { seen: 1, unseen: 2 }
        }
    }

    pub(super) fn unseen(hidden: &SynchronizedHidden) -> u32 {
        hidden.unseen()
    }
}

macro_rules! declare {
    ($(#[$attribute:meta])* $visibility:vis $name:ident { $($field:ident: $type:ty),* }) => {
        $(#[$attribute])*
        #[derive(memory::SharedValue, Clone, Copy, Debug)]
        #[shared(crate = "memory")]
        #[repr(C)]
        $visibility struct $name {
            $(
                /// A field from a macro.
                pub $field: $type,
            )*
        }
    };
}

declare! {
    /// A type from a macro.
    pub Declared { number: u32, numbers: [u8; 2] }
}

/// Uses types of a private module, of a function and of a macro.
///
/// # Errors
/// If there is no memory for them.
pub fn sum() -> Result<u32, memory::Error> {
    use memory::SharedValue;

    #[derive(SharedValue, Clone, Copy, Debug)]
    #[shared(crate = "memory")]
    #[repr(C)]
    struct Local {
        number: u32,
    }

    let hidden = private::SynchronizedHidden::new(private::Hidden::new())?;
    hidden.set_seen(hidden.seen() + 1)?;
    let local = SynchronizedLocal::new(Local { number: 3 })?;
    local.update_number(|number| *number += 1)?;
    let declared = SynchronizedDeclared::new(Declared { number: 5, numbers: [6, 7] })?;
    declared.lock()?.in_numbers().set_at(1, 8)?;
    Ok(hidden.seen()
        + private::unseen(&hidden)
        + local.number()
        + declared.number()
        + u32::from(declared.in_numbers().at(1)))
}
