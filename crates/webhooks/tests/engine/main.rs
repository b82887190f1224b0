//! The engine with a real store and real sockets. One program: each would be compiled and linked by itself.

#[cfg(test)]
mod delivery;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod in_order;
#[cfg(test)]
mod support;
