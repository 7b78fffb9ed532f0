//! Commands in, text out: the whole command line against an API in memory.
