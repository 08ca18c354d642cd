"""The documented vocabulary of access codes, word by word: what makes each appear here, or why it never does (A6).

The table in `gateway/model/README.md` is printed from `WORDS` by `python -m tests.model.test_parity`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    STATUS = "status"
    MUTATION = "pending mutation"
    ERROR = "error"
    WARNING = "warning"
    EVENT = "event"
    OWN_EVENT = "event of ours"


@dataclass(frozen=True, slots=True)
class Word:
    """One documented word. `test` (`file::function` under tests/) makes it by its cause; where it can end, it sees it end.

    Without a test, `told` says why the word is left out.
    """

    family: Family
    name: str
    told: str
    test: str = ""


ISSUES = "planner/test_issues.py::test_a6_an_issue_is_there_while_its_cause_is_and_gone_with_it"
STATUSES = "planner/test_issues.py::test_a6_each_status_has_its_situation"
LIFE = "fleet/test_worker.py::test_an_ongoing_code_is_set_with_proof_and_deleted_with_proof"
WITH_ORDER = "orders/test_receive.py::test_a6_names_and_windows_are_in_force_when_stored"
PENDING = "shell/test_documents.py::test_a6_pending_mutations_tell_what_is_on_its_way"
POOL_TOLD = "fleet/test_pool.py::test_a12_what_is_wrong_with_the_pool_is_told_and_its_end_too"
DUPLICATE = "fleet/test_regressions.py::test_a_duplicate_that_the_lock_refuses_silently_is_never_told_as_set"

NEW_FAMILY = "of the unreleased family of words about issuing, which is not spoken (A6)"
NO_ACCOUNT = "there is no account or provider between the hub and its locks"


def _status(name: str, told: str) -> Word:
    return Word(Family.STATUS, name, told, STATUSES)


def _error(name: str, told: str, test: str = ISSUES) -> Word:
    return Word(Family.ERROR, name, told, test)


def _warning(name: str, told: str, test: str = ISSUES) -> Word:
    return Word(Family.WARNING, name, told, test)


def _event(name: str, told: str, test: str = "") -> Word:
    return Word(Family.EVENT, name, told, test)


WORDS: tuple[Word, ...] = (
    _status("unset", "before the lead, after a proven removal, preloaded and before its start"),
    _status("setting", "wanted and not proven"),
    _status("set", "wanted and proven"),
    _status("removing", "over or deleted, and not proven gone"),
    _status("unknown", "the evidence was lost: a wipe, a reset, another device in the lock's place"),
    Word(
        Family.MUTATION,
        "deferring_creation",
        "before the lead",
        "shell/test_verbs_looking.py::test_a_code_for_programs_has_its_documented_names_and_no_pin",
    ),
    Word(Family.MUTATION, "creating", "wanted, not proven", PENDING),
    Word(Family.MUTATION, "deleting", "over, not proven gone", PENDING),
    Word(Family.MUTATION, "updating_code", "another PIN on its way", PENDING),
    Word(Family.MUTATION, "updating_name", "names live on the hub: in force when the order is stored, never pending"),
    Word(Family.MUTATION, "updating_time_frame", "in force when stored, the lock's own window follows with its proof"),
    _error("failed_to_set_on_device", "not proven when due; at once after a refusal or a repeated loss"),
    _error("failed_to_remove_from_device", "not proven gone five minutes after its end"),
    _error("code_constraints_violated", "the lock refused the PIN by its rules; until the order changes"),
    _error("duplicate_code_on_device", "the same PIN is in another slot, or the lock says so"),
    _error("no_space_for_access_code_on_device", "no slot is left"),
    _error("conflicting_external_modification", "changed or deleted at the lock, being restored"),
    _error("access_code_inactive", "on the lock and switched off there"),
    _error(
        "provider_issue", "the lock refused without a reason, or without a word: it took the PIN and did not keep it"
    ),
    _error(
        "device_disconnected",
        "copied while the lock does not answer",
        "shell/test_verbs_looking.py::test_a_code_on_a_silent_lock_carries_the_lock_s_error",
    ),
    _error("device_removed", "copied while another device answers in the lock's place"),
    _error("empty_backup_access_code_pool", "of the lock: the pool has no proven code left", POOL_TOLD),
    _error("failed_to_issue", NEW_FAMILY, ""),
    _error("failed_to_update", NEW_FAMILY, ""),
    _error("failed_to_delete", NEW_FAMILY, ""),
    _error("device_offline", "deprecated for `device_disconnected`", ""),
    _error("hub_disconnected", "a hub that is away cannot say so: its last will does", ""),
    _error("account_disconnected", NO_ACCOUNT, ""),
    _error("bridge_disconnected", NO_ACCOUNT, ""),
    _error("missing_device_credentials", NO_ACCOUNT, ""),
    _error("subscription_required", NO_ACCOUNT, ""),
    _error("insufficient_permissions", NO_ACCOUNT, ""),
    _warning("delay_in_setting_on_device", "late: half the lead before it is due; at once after a loss"),
    _warning("external_modification_in_effect", "changed at the lock by somebody who may"),
    _warning("being_deleted", "deleted and not proven gone"),
    _warning("unknown_issue_with_access_code", "the lock lost its codes, and nothing has been proven since"),
    _warning(
        "using_backup_access_code",
        "a backup stands in for it",
        "planner/test_pool.py::test_a13_a_code_that_recovers_after_a_pull_works_beside_its_backup_to_the_end",
    ),
    _warning(
        "partial_backup_access_code_pool",
        "of the lock: the pool cannot be filled now",
        "planner/test_pool.py::test_a12_a_pool_that_cannot_be_refilled_is_a_warning",
    ),
    _warning(
        "many_active_backup_codes",
        "of the lock: several backups are in use",
        "planner/test_pool.py::test_a12_a_full_pool_has_no_issue_and_many_pulled_ones_are_a_warning",
    ),
    _warning("delay_in_issuing", NEW_FAMILY, ""),
    _warning("delay_in_removing_from_device", "deprecated for the error", ""),
    _warning("management_transferred", "a lock has one hub", ""),
    _warning("third_party_integration_detected", "other controllers are not looked for yet", ""),
    _warning("time_frame_adjusted_for_unknown_time_zone", "windows are instants; no zone is needed to keep them", ""),
    _warning("code_rotates_periodically", "no lock of ours chooses PINs", ""),
    _warning("igloo_algopin_must_be_used_within_24_hours", "no lock of ours chooses PINs", ""),
    _event("access_code.created", "the order was stored", LIFE),
    _event("access_code.mutations_requested", "an edit or a delete was stored", LIFE),
    _event("access_code.changed", "the status changed and no other event says so", LIFE),
    _event("access_code.name_changed", "with the order", WITH_ORDER),
    _event("access_code.time_frame_changed", "with the order", WITH_ORDER),
    _event(
        "access_code.code_changed",
        "the new PIN is proven",
        "fleet/test_worker.py::test_a_pin_edit_ends_with_the_new_pin_only",
    ),
    _event(
        "access_code.scheduled_on_device",
        "preloaded with its window, proven",
        "planner/test_native.py::test_a2_a_preloaded_code_is_unset_and_scheduled_until_its_start_then_set",
    ),
    _event("access_code.set_on_device", "proven; a native code at its start", LIFE),
    _event("access_code.removed_from_device", "proven gone", LIFE),
    _event("access_code.deleted", "deleted and proven gone", LIFE),
    _event(
        "access_code.delay_in_setting_on_device",
        "as the warning",
        DUPLICATE,
    ),
    _event(
        "access_code.failed_to_set_on_device",
        "as the error",
        DUPLICATE,
    ),
    _event(
        "access_code.failed_to_remove_from_device",
        "as the error",
        "planner/test_plan.py::test_a9_not_proven_gone_five_minutes_after_the_end_is_told",
    ),
    _event(
        "access_code.backup_access_code_pulled",
        "a backup was handed out",
        "fleet/test_pool.py::test_a12_a_pull_gives_a_proven_code_to_the_guest_and_the_pool_is_refilled",
    ),
    _event(
        "access_code.unmanaged.created",
        "somebody put a code on the lock",
        "fleet/test_worker.py::test_slots_of_others_are_never_touched",
    ),
    _event(
        "access_code.unmanaged.removed",
        "somebody took it off again",
        "fleet/test_reports.py::test_a14_a_code_made_by_hand_in_a_free_slot_is_told_as_unmanaged_and_gone_again",
    ),
    _event(
        "access_code.unmanaged.converted_to_managed",
        "adopted on request",
        "fleet/test_pool.py::test_a14_a_code_is_adopted_in_its_slot",
    ),
    _event(
        "access_code.unmanaged.failed_to_convert_to_managed",
        "could not be adopted",
        "fleet/test_pool.py::test_a14_an_adoption_fails_when_the_code_has_gone_meanwhile",
    ),
    _event("access_code.modified_external_to_seam", "spoken as `access_code.modified_external`: no brand names (A6)"),
    _event("access_code.deleted_external_to_seam", "spoken as `access_code.deleted_external`: no brand names (A6)"),
    _event("access_code.delay_in_removing_from_device", "no longer documented"),
    _event("access_code.issued", NEW_FAMILY),
    _event("access_code.delay_in_issuing", NEW_FAMILY),
    _event("access_code.failed_to_issue", NEW_FAMILY),
    _event("access_code.failed_to_update", NEW_FAMILY),
    _event("access_code.failed_to_expire", NEW_FAMILY),
    _event(
        "lock.unlocked",
        "with the code whose PIN it was",
        "fleet/test_reports.py::test_a18_use_tells_which_code_and_is_the_strongest_evidence",
    ),
    _event("lock.locked", "likewise", "fleet/test_reports.py::test_use_of_a_slot_of_nobody_is_not_ours"),
    _event(
        "lock.access_denied",
        "with its documented reason",
        "fleet/test_usage.py::test_a18_a_lock_out_is_told_with_its_documented_reason",
    ),
    _event(
        "device.added",
        "the hub met the lock, or a quarantine ended",
        "fleet/test_guard.py::test_a17_the_paired_device_that_comes_back_ends_the_quarantine",
    ),
    _event(
        "device.removed",
        "reset, or another device in its place",
        "fleet/test_guard.py::test_a17_another_device_in_the_locks_place_gets_nothing",
    ),
    _event("device.connected", "answers again", "fleet/test_reports.py::test_coming_and_going_is_told_once"),
    _event("device.disconnected", "does not answer", "fleet/test_reports.py::test_coming_and_going_is_told_once"),
    _event("device.tampered", "its cover was opened", "fleet/test_reports.py::test_jam_tamper_and_wrong_pins_are_told"),
    _event(
        "device.low_battery",
        "once per complaint or fall",
        "fleet/test_reports.py::test_a18_a_complaint_is_told_though_the_charge_did_not_change_and_again_after_a_new_battery",
    ),
    _event(
        "device.battery_status_changed",
        "its word changed",
        "fleet/test_reports.py::test_battery_is_told_when_its_word_changes_and_a_complaint_once",
    ),
    _event("device.deleted", "a lock leaves with its line in the configuration: no event, its codes stay readable"),
    _event("device.name_changed", "names of locks live in the configuration"),
    _event("device.connection_became_flaky", "each code that suffers says so; `gatewayctl why` tells of the link"),
    _event("device.connection_stabilized", "as before"),
    _event("device.converted_to_unmanaged", "a lock of the configuration is managed"),
    _event("device.accessory_keypad_connected", "a keypad of its own is a lock's own affair"),
    _event("device.accessory_keypad_disconnected", "likewise"),
    _event("device.third_party_integration_detected", "other controllers are not looked for yet"),
    _event("device.third_party_integration_no_longer_detected", "likewise"),
    _event("device.unmanaged.*", "a lock of the configuration is managed"),
    _event("device.doorbell_rang", "no lock of ours has one"),
    _event("device.error.subscription_required", NO_ACCOUNT),
    Word(Family.OWN_EVENT, "command.received", "an order is stored", LIFE),
    Word(Family.OWN_EVENT, "command.accepted", "an order is taken", LIFE),
    Word(
        Family.OWN_EVENT,
        "command.rejected",
        "an order is refused",
        "orders/test_receive.py::test_each_refusal_names_its_field_and_changes_nothing",
    ),
    Word(Family.OWN_EVENT, "command.applied", "an order is carried out", LIFE),
    Word(
        Family.OWN_EVENT,
        "command.failed",
        "an order was overtaken, expired, or refused by the lock",
        "orders/test_receive.py::test_c2_a_newer_generation_ends_the_older_order",
    ),
    Word(
        Family.OWN_EVENT,
        "access_code.modified_external",
        "changed at the lock by somebody",
        "planner/test_plan.py::test_a15_a_change_from_outside_is_reported_once_and_restored",
    ),
    Word(
        Family.OWN_EVENT,
        "access_code.deleted_external",
        "deleted at the lock by somebody",
        "fleet/test_regressions.py::test_a_code_that_vanished_without_a_word_is_found_by_the_audit",
    ),
    Word(
        Family.OWN_EVENT,
        "access_code.used_outside_window",
        "opened when it could not have been on the lock",
        "fleet/test_usage.py::test_a18_use_before_the_lead_raises_an_alarm",
    ),
    Word(
        Family.OWN_EVENT,
        "lock.jammed",
        "the bolt stuck",
        "fleet/test_reports.py::test_jam_tamper_and_wrong_pins_are_told",
    ),
    Word(
        Family.OWN_EVENT,
        "device.wiped",
        "the lock lost all codes",
        "fleet/test_guard.py::test_a17_all_deleted_is_one_alarm_and_status_unknown_until_proven_again",
    ),
    Word(
        Family.OWN_EVENT,
        "device.clock_wrong",
        "the clock of a lock with windows was off",
        "fleet/test_lock_times.py::test_t4_a_clock_found_off_again_is_told_and_one_that_takes_no_time_is_wrong",
    ),
    Word(
        Family.OWN_EVENT,
        "device.window_not_kept",
        "the lock opened outside a window that it had confirmed",
        "fleet/test_window_proof.py::test_a2_a_lock_that_opens_before_its_window_is_not_relied_on_and_gives_the_pin_back",
    ),
    Word(
        Family.OWN_EVENT,
        "device.backup_access_code_pool_changed",
        "something is wrong with the pool, or right again",
        POOL_TOLD,
    ),
    Word(
        Family.OWN_EVENT,
        "hub.removals_delayed",
        "more must go than the radio takes off in time",
        "fleet/test_backlog.py::test_a9_one_more_over_all_locks_of_a_stick_is_told_once_with_the_latest_finish",
    ),
    Word(
        Family.OWN_EVENT,
        "hub.clock_unknown",
        "nobody knows the time, and codes hang on it",
        "fleet/test_timekeeper.py::test_t2_an_alarm_at_once_two_hours_before_and_when_the_codes_leave_each_once",
    ),
    Word(
        Family.OWN_EVENT,
        "hub.clock_known",
        "that is over",
        "fleet/test_timekeeper.py::test_t2_an_alarm_at_once_two_hours_before_and_when_the_codes_leave_each_once",
    ),
    Word(
        Family.OWN_EVENT,
        "hub.clock_step_held",
        "time jumped ahead",
        "fleet/test_timekeeper.py::test_t3_a_held_step_is_told_and_a_harmless_one_is_taken_at_the_next_look",
    ),
    Word(
        Family.OWN_EVENT,
        "hub.time_set",
        "a person told the time or confirmed a step, or servers told it over TLS",
        "shell/test_verbs_time.py::test_t2_set_time_is_taken_while_nobody_knows_and_kept_in_the_journal",
    ),
)
