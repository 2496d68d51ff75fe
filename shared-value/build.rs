//! Names the conditions under which the library is compiled.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    cfg_aliases::cfg_aliases! {
        // `shared_value_unsupported` stands for another platform, so that a test can see what is said there.
        supported: { all(
            target_os = "linux", target_pointer_width = "64", target_endian = "little", not(shared_value_unsupported)
        ) },
        // Loom models the protocols alone.
        library: { all(supported, not(loom)) },
    }
}
