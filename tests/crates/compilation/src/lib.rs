//! A crate for programs that must not compile, and for programs that must. It has few dependencies, because the tests compile all
//! of them once more.
