//! System calls that fail as the kernel of another machine would let them fail.
#![allow(unsafe_code)]

/// An argument of a system call that is compared before the call is refused.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The argument of this number is above the value.
    Above(u8, u32),
    /// The argument of this number is the value.
    Equal(u8, u32),
}

/// Lets a system call of this process fail with this error from now on, if its argument is of this kind. With the error 0,
/// the call does nothing and returns 0.
///
/// # Panics
/// If the kernel has no seccomp filters.
pub fn refuse(call: libc::c_long, when: When, error: i32) {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const ABOVE: u32 = libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K;
    const GIVE: u32 = libc::BPF_RET | libc::BPF_K;
    let step = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: u16::try_from(code).expect("codes are small"),
        jt,
        jf,
        k,
    };
    let (compare, argument, value) = match when {
        When::Above(argument, value) => (ABOVE, argument, value),
        When::Equal(argument, value) => (EQUAL, argument, value),
    };
    let error = libc::SECCOMP_RET_ERRNO | u32::try_from(error).expect("errors are positive");
    // The number of the call is the first word of `seccomp_data`, and the arguments begin at 16.
    let mut steps = [
        step(LOAD, 0, 0, 0),
        step(EQUAL, u32::try_from(call).expect("calls have small numbers"), 0, 3),
        step(LOAD, 16 + 8 * u32::from(argument), 0, 0),
        step(compare, value, 0, 1),
        step(GIVE, error, 0, 0),
        step(GIVE, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog { len: 6, filter: steps.as_mut_ptr() };
    // SAFETY: the call takes numbers only.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(result, 0, "filters need this");
    // SAFETY: the kernel reads a `sock_fprog` and its steps, which live during the call.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(result, 0, "the kernel has filters");
}
