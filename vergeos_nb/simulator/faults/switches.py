"""Assumptions about the platform that no source settles, each a named switch.

Every one of them is an unverified reading. A test, or an engineer with a real system, can switch it and see
how a tool reacts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Switches:
    """The simulator's reading of points that the vendor's documents leave open."""

    unknown_column_with_braces_matches_all: bool = True
    """`nmae eq '{a: 1}'` - an unknown column compared with a text whose unescaped braces are consumed -
    returns the whole table (the vendor's Ansible collection, measured on 26.1.8)."""

    override_clears_power_and_node: bool = True
    """A PUT of `running: false` on machine_status also clears `powerstate` and `node`. False: literal."""

    override_bumps_last_update: bool = True
    """A PUT on machine_status sets `last_update` to the server's time."""

    override_is_logged: bool = False
    """A PUT on machine_status leaves an audit entry in the logs."""

    conflict_in_wrong_state: bool = True
    """poweron on a running VM, poweroff/reset/migrate on a stopped one: 409. False: 201, no effect."""

    kill_on_stopped_is_accepted: bool = True
    """kill on a stopped VM answers 201 (release notes 26.0.1). False: 409."""

    bearer_accepts_session_tokens: bool = False
    """`Authorization: Bearer` takes a session token too, not only an API key."""

    put_answers_empty_object: bool = True
    """A PUT answers `{}` (pyvergeos 1.7.1 base.py, measured). False: an empty body, as some mocks have it."""

    error_key: str = "err"
    """The key of the error envelope; `error` appears in some vendor prose."""

    unknown_column_in_filter_matches_nothing: bool = True
    """Measured for one table; False: such a comparison reads the column as null."""
