//! Default values.
