//! Publishers and followers in processes of their own, over zenoh on the loopback interface.

mod arenas;
mod certificates;
mod command;
mod delays;
mod hostile;
mod kills;
mod limits;
mod losses;
mod output;
mod proxy;
mod requests;
mod support;
mod two_hosts;
mod users;
mod values;
