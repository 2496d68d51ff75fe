//! Handles: created and found in every way, and refused with an error that names the cure.

mod cures;
mod kinds;
mod wait;
mod ways;
mod zeros;
