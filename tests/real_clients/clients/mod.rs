//! The clients, by kind.

pub(crate) mod android;
pub(crate) mod apple;
pub(crate) mod appliances;
pub(crate) mod firmware;
pub(crate) mod linux;
pub(crate) mod network;
pub(crate) mod phones;
pub(crate) mod printers;
pub(crate) mod unix;
pub(crate) mod windows;
