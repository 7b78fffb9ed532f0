//! What the API has to do, wherever it is: each check runs against the local API in memory and in a file, and against a
//! real control plane, where its binary is built (`make testcluster`). Where they differ, the real one is right.
//!
//! On the control plane all checks share one namespace and use names of their own; they leave objects behind.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a check that does not hold panics"
)]

mod create;
mod delete;
mod discovery;
mod fixtures;
mod list;
mod owners;
mod patch;
mod status;
mod tally;
mod update;
mod watch;

macro_rules! checks {
    ($($topic:ident { $($check:ident)+ })+) => {
        /// Their names, for their number.
        const CHECKS: &[&str] = &[$($(stringify!($check)),+),+];

        mod in_memory {
            $(mod $topic {
                $(#[tokio::test]
                async fn $check() {
                    crate::$topic::$check(&crate::fixtures::in_memory()).await;
                    crate::tally::IN_MEMORY.holds();
                })+
            })+
        }
        mod in_a_file {
            $(mod $topic {
                $(#[tokio::test]
                async fn $check() {
                    let (client, _folder) = crate::fixtures::in_a_file();
                    crate::$topic::$check(&client).await;
                    crate::tally::IN_A_FILE.holds();
                })+
            })+
        }
        mod on_a_cluster {
            $(mod $topic {
                $(#[tokio::test]
                async fn $check() {
                    let Some(client) = vmdhcp_testcluster::client().await else {
                        return crate::tally::ON_A_CLUSTER.is_left_out();
                    };
                    crate::fixtures::namespaces(&client).await;
                    crate::$topic::$check(&client).await;
                    crate::tally::ON_A_CLUSTER.holds();
                })+
            })+
        }
    };
}

checks! {
    create {
        a_new_object_gets_uid_time_version_and_generation
        what_only_the_server_sets_is_ignored
        a_second_object_of_the_name_already_exists
        a_generated_name_is_the_prefix_and_five_characters
        status_is_dropped
        a_version_is_refused
        a_name_is_required
        a_bad_name_is_invalid
        a_bad_label_is_invalid
        another_namespace_than_the_paths_is_refused
        a_body_of_another_kind_is_refused
        a_body_without_kind_is_refused
        a_body_that_is_no_json_is_refused
        a_huge_body_is_refused
        a_missing_field_is_invalid
        a_field_of_the_wrong_type_is_invalid
        a_dry_run_stores_nothing
        another_dry_run_than_all_is_refused
        a_name_goes_before_a_generated_one
        a_collection_of_all_namespaces_takes_no_objects
    }
    update {
        a_new_spec_bumps_generation_and_version
        labels_bump_the_version_alone
        a_stale_version_conflicts
        a_version_is_required
        another_uid_conflicts
        another_name_than_the_paths_is_refused
        an_object_that_is_not_there_is_not_found
        an_equal_object_is_not_written
        what_only_the_server_sets_is_kept
        status_is_kept
        a_terminating_object_goes_with_its_last_finalizer
        a_dry_run_stores_nothing
        a_lease_is_taken_by_one_of_two
    }
    status {
        a_status_write_changes_nothing_else
        a_stale_version_conflicts
        a_status_of_an_object_that_is_not_there_is_not_found
        a_status_of_the_wrong_type_is_invalid
        a_merge_patch_of_the_status_on_a_stale_version_conflicts
        apply_of_the_status_keeps_the_spec
        a_dry_run_stores_nothing
        a_merge_patch_of_the_status_keeps_the_spec
        a_merge_patch_of_the_object_keeps_the_status
        a_json_patch_of_the_status_can_test_the_spec
        an_equal_status_is_not_written
        an_object_has_at_most_one_and_a_half_mebibytes
        a_kind_without_it_has_no_such_path
        it_can_be_read_by_its_path
    }
    patch {
        a_merge_sets_and_null_removes
        a_merge_replaces_lists
        a_merge_on_a_stale_version_conflicts
        a_json_patch_on_a_stale_version_conflicts
        a_merge_that_changes_nothing_is_not_written
        an_object_that_is_not_there_is_not_found
        a_json_patch_whose_test_holds_is_applied
        a_json_patch_whose_test_fails_changes_nothing
        a_json_patch_of_a_path_that_is_not_there_is_invalid
        a_json_patch_that_is_none_is_refused
        a_strategic_merge_of_a_custom_resource_is_not_supported
        a_patch_cannot_rename
        a_patch_cannot_break_the_types
        apply_creates_and_then_updates
        apply_needs_a_manager
        apply_of_another_uid_creates_nothing
        apply_on_a_stale_version_conflicts
        apply_of_another_name_is_refused
        a_json_patch_adds_moves_copies_and_removes
        a_dry_run_stores_nothing
        a_patch_can_ask_for_metadata_alone
    }
    delete {
        an_object_is_gone_and_its_uid_told
        an_object_that_is_not_there_is_not_found
        finalizers_keep_it_until_the_last_is_removed
        a_terminating_object_takes_no_new_finalizer
        a_second_deletion_changes_nothing
        a_terminating_object_cannot_be_revived
        preconditions_are_checked
        a_dry_run_deletes_nothing
        another_propagation_is_refused
        a_dry_run_of_a_collection_deletes_nothing
        a_collection_leaves_what_has_finalizers_terminating
        a_collection_goes_by_its_selector
        a_name_can_be_used_again
    }
    owners {
        dependents_go_after_their_owner
        orphans_stay_and_forget_their_owner
        a_dependent_with_another_owner_stays
        a_dependent_of_nobody_goes
        an_owner_deleted_in_the_foreground_waits_for_those_that_block_it
        dependents_of_dependents_go_too
    }
    list {
        labels_select
        a_bad_selector_is_refused
        a_name_selects
        other_fields_are_refused
        pages_hold_every_object_once
        a_nonsense_page_is_refused
        a_page_of_a_past_that_is_gone_is_expired
        all_namespaces_are_searched
        a_version_that_has_not_happened_times_out
        metadata_alone_can_be_listed
        a_list_says_what_it_is
    }
    watch {
        changes_come_in_order_after_the_lists_version
        a_watch_goes_on_after_the_last_events_version
        a_version_that_is_too_old_is_told_410
        a_watch_that_asks_is_told_where_it_is_before_its_time_is_up
        version_zero_begins_with_what_is_there
        an_object_that_leaves_the_selection_is_deleted
        a_name_selects
        a_status_write_is_told_and_an_equal_one_is_not
        a_deletion_has_a_version_of_its_own
        a_terminating_object_is_modified_first
        a_watch_ends_when_its_time_is_up
        a_streamed_list_ends_with_a_bookmark
        metadata_alone_can_be_watched
        the_runtimes_watcher_follows
    }
    discovery {
        our_kinds_are_found_with_their_status
        a_kind_that_is_not_served_is_missing
        a_group_lists_its_versions
        the_server_has_a_version
        an_unknown_resource_is_not_found
        an_unknown_verb_is_not_allowed
        an_object_is_read_and_missed_by_name
        metadata_alone_can_be_read
        events_can_be_published
    }
}
