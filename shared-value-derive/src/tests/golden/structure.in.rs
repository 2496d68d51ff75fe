/// An account.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
#[shared(size = 40, layout = "T{<q:balance:}", fingerprint = "0xff")]
pub struct Account {
    /// In cents.
    ///
    /// May be negative.
    pub balance: i64,
    pub(crate) r#type: Mode,
    limits: [u32; 4],
    #[shared(atomic)]
    pub requests: u64,
}
