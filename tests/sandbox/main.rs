//! The sandbox on the wire: raw bytes in, raw bytes out. What is held here is what BCDA's code does, oddities included.

mod exports;
mod faults;
mod tokens;
mod wire;
