//! RFC 2131: Dynamic Host Configuration Protocol.

mod s2_format;
mod s4_1_destination;
mod s4_1_overload;
mod s4_3_1_discover;
mod s4_3_2_request;
mod s4_3_3_decline;
mod s4_3_4_release;
mod s4_3_5_inform;
mod s4_3_table_3;
mod s4_4_5_timers;
