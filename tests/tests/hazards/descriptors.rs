//! Descriptors that other code of the program closes, takes over, or uses up.

use crate::play;

/// A segment with the number of a closed standard stream would get everything that the program prints, into its header.
#[test]
fn no_segment_gets_the_number_of_a_standard_stream() {
    play("descriptors", ["standard"]);
}

/// A descriptor whose number belongs to another file would make that file longer, hand it over and close it.
#[test]
fn files_that_take_over_the_numbers_are_left_alone() {
    play("descriptors", ["closed"]);
}

/// Where the file cannot be opened again, the error must name the cause, and values that are mapped must go on working.
#[test]
fn a_file_that_cannot_be_opened_again_is_an_error() {
    play("descriptors", ["closed-for-good"]);
}

/// The mark that a file is in use is shared across a fork: a child that has dropped its handles must not keep it.
#[test]
fn a_file_is_in_use_as_long_as_it_is_mapped() {
    play("descriptors", ["user"]);
}

/// Without a check, a value that is received would be lost, `names` would list nothing, and errors would name other causes.
#[test]
fn running_out_of_descriptors_is_said_where_it_happens() {
    play("descriptors", ["exhausted"]);
}
