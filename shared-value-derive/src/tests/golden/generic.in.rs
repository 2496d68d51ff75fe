#[repr(C, align(64))]
struct Matrix<T: Default, const N: usize = 4>(
    [[T; N]; N],
    #[shared(pod)] pub foreign::Vector,
);
