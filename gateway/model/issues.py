"""Errors and warnings of an access code, under their documented names (A6)."""

from enum import StrEnum


class Issue(StrEnum):
    """What is wrong, or unusual, with a code right now. Derived like the status; clears itself."""

    FAILED_TO_SET = "failed_to_set_on_device"
    FAILED_TO_REMOVE = "failed_to_remove_from_device"
    CONSTRAINTS = "code_constraints_violated"
    DUPLICATE = "duplicate_code_on_device"
    NO_SPACE = "no_space_for_access_code_on_device"
    CONFLICTING_CHANGE = "conflicting_external_modification"
    DEVICE_DISCONNECTED = "device_disconnected"
    DEVICE_REMOVED = "device_removed"
    INACTIVE = "access_code_inactive"
    REFUSED = "provider_issue"

    DELAY_IN_SETTING = "delay_in_setting_on_device"
    EXTERNAL_CHANGE_IN_EFFECT = "external_modification_in_effect"
    BEING_DELETED = "being_deleted"
    EVIDENCE_LOST = "unknown_issue_with_access_code"
    USING_BACKUP = "using_backup_access_code"

    @property
    def is_warning(self) -> bool:
        """Whether the documented object lists it under `warnings` instead of `errors`."""
        return self in _WARNINGS


class Status(StrEnum):
    """The documented life-cycle values (A6): a pure function of desired, evidence and time."""

    UNSET = "unset"
    SETTING = "setting"
    SET = "set"
    REMOVING = "removing"
    UNKNOWN = "unknown"


_WARNINGS = frozenset(
    {
        Issue.DELAY_IN_SETTING,
        Issue.EXTERNAL_CHANGE_IN_EFFECT,
        Issue.BEING_DELETED,
        Issue.EVIDENCE_LOST,
        Issue.USING_BACKUP,
    }
)
