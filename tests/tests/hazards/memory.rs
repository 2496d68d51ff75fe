//! Memory that cannot be had, or not at once: each must be an error, and never a signal.

use crate::play;

#[track_caller]
fn memory(case: &str) {
    play("memory", [case]);
}

/// Older kernels end a request for much memory at any signal: under a timer, it would be repeated forever.
#[test]
fn much_memory_comes_in_pieces() {
    memory("interrupted");
}

/// Memory that is reserved for zeros could not be used by anybody.
#[test]
fn zeros_in_an_arena_without_a_name_take_no_memory() {
    memory("sparse");
}

/// Where the kernel promises no more memory than it has, the first write to a page could be a SIGBUS.
#[test]
fn zeros_are_reserved_where_the_kernel_promises_no_more_than_it_has() {
    memory("strict");
}

/// Without a look at the memory that is left, the kernel would kill a process to find more.
#[test]
fn more_memory_than_the_machine_has_is_an_error() {
    memory("short");
}

/// Without a look at the limit of its group, the kernel would kill the process.
#[test]
fn more_memory_than_the_control_group_has_is_an_error() {
    memory("group");
}

/// Without a look at the limit, SIGXFSZ would end the process.
#[test]
fn a_limit_for_the_size_of_files_is_an_error() {
    memory("file-size");
}

/// A hole in a copy of a file has no memory: in a full file system, a write to it would be a SIGBUS.
#[test]
fn holes_are_filled_when_a_file_is_opened() {
    memory("holes");
}

/// Segments in a dump would make it large and slow, and the locks of the process are held until it has ended.
#[test]
fn segments_stay_out_of_core_dumps() {
    memory("dump");
}

/// Without `/proc`, `open_or_create` would tell to use `open_or_create`.
#[test]
fn errors_without_proc_name_it() {
    memory("without-proc");
}
