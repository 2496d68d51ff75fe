//! Allocators with which the library must not meet: it neither allocates nor frees memory while it has something locked.

use crate::play;

/// The library would wait for itself in the first lock of a thread, in the ninth one, and wherever it registers something.
#[test]
fn an_allocator_may_count_in_a_value() {
    play("allocator", ["counts"]);
}

/// A thread's notes about values under a lock object must be in order whenever the allocator is called.
#[test]
fn an_allocator_may_count_in_a_value_under_a_lock_object() {
    play("allocator", ["counts-under-object"]);
}

/// Mutexes of the C library are recorded in a list of their own, which grows too.
#[test]
fn an_allocator_may_count_in_a_value_with_a_pthread_mutex() {
    play("allocator", ["counts-under-mutex"]);
}

/// A thread that adds to an arena allocates memory under its lock. If its allocator could add too, each would overwrite the
/// changes of the other, and both might take one block.
#[test]
fn an_allocator_may_add_to_an_arena() {
    play("allocator", ["adds"]);
}

/// A vector that finds its length, and then allocates memory under the lock, would not see what the allocator adds meanwhile.
#[test]
fn an_allocator_may_add_to_a_vector() {
    play("allocator", ["pushes"]);
}

/// An update that makes its copy, and then allocates memory before the value counts as borrowed, would overwrite what the
/// allocator writes meanwhile.
#[test]
fn an_allocator_may_count_in_a_value_that_is_updated() {
    play("allocator", ["counts-beside-updates"]);
    play("allocator", ["counts-beside-large-updates"]);
}

/// A thread that forks holds the allocator's lock when it takes those of the library: in the other order, both would wait.
#[test]
fn an_allocator_may_hold_a_lock_across_a_fork() {
    play("allocator", ["locks"]);
}
