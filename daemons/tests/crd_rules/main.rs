//! The stateless rules of both kinds: as Rust in the local API, as CEL in the CRDs of a real API server. Both decide the
//! same, and say the same.
//!
//! The rows ([`rows`]) are the same for both. On the control plane the objects of [`ratchet`] are stored before the CRDs
//! have rules.
#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that fails panics")]
#![expect(clippy::needless_pass_by_value, reason = "json! literals read best by value")]

mod accepted;
mod agreement;
mod cluster;
mod completeness;
mod local;
mod objects;
mod ratchet;
mod rows;
mod table;

macro_rules! checks {
    ($($topic:ident { $($check:ident)+ })+) => {
        mod in_a_file {
            $(mod $topic {
                $(#[tokio::test]
                async fn $check() {
                    let (client, _folder) = crate::local::client();
                    crate::$topic::$check(&client).await;
                })+
            })+
        }
        mod on_a_cluster {
            $(mod $topic {
                $(#[tokio::test]
                async fn $check() {
                    let Some(client) = crate::cluster::client().await else { return };
                    crate::$topic::$check(&client).await;
                })+
            })+
        }
    };
}

checks! {
    table {
        each_rule_accepts_a_good_object
        each_rule_refuses_a_bad_object_and_says_why
        each_rule_refuses_a_change_from_good_to_bad
    }
    accepted {
        what_upstream_accepts_is_accepted
        the_largest_objects_are_accepted
    }
    ratchet {
        a_bad_object_takes_labels_finalizers_and_status
        a_bad_object_takes_changes_of_its_other_fields
        a_bad_object_is_refused_what_is_bad_in_another_way
        a_list_with_a_bad_item_takes_good_ones
        a_bad_item_may_move_in_its_list
        a_bad_object_may_be_mended
        a_bad_object_can_be_deleted
    }
}
