//! Publishers and followers in processes of their own, over zenoh on the loopback interface.

mod arenas;
mod command;
mod delays;
mod hostile;
mod kills;
mod support;
mod values;
