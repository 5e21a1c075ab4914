"""Assumptions about the platform that no source settles, each a named switch.

Every one of them is an unverified reading. A test, or an engineer with a real system, can switch it and see
how a tool reacts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


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
    """poweron on a running VM: 422, as recorded; poweroff/reset/migrate on a stopped one: 409 (D-power).
    False: 201, no effect."""

    kill_on_stopped_is_accepted: bool = True
    """kill on a stopped VM answers 201 (release notes 26.0.1). False: 409."""

    bearer_accepts_session_tokens: bool = False
    """`Authorization: Bearer` takes a session token too, not only an API key."""

    version: str = "26.2.1"
    """The version of the system. Node rows of 26.1.8 are recorded (Ansible collection 2.2.0, nodes.json)."""

    put_answers: Literal["list", "object", "nothing"] = "list"
    """The body of the answer to a PUT: `[]` (Ansible collection 2.2.0, D1: as it is on the wire), `{}`
    (pyvergeos 1.7.1 base.py), or none, as some mocks have it."""

    names_are_unique: bool = True
    """A VM name that another VM has is refused with 422 (TF issue 16, Ansible collection 2.2.0; recorded).
    False: two VMs of one name, as on older systems and after imports."""

    basic_is_cached: bool = True
    """After a change of the password the old one still opens the API for a while (TF acceptance test,
    recorded). False: it is refused at once."""

    no_match: Literal["list", "count"] = "list"
    """A filter that matches no row gives `[]` (measured) or `{"$count": 0}` (Ansible collection 2.2.0,
    plugins/module_utils/machine.py)."""

    relay_to_a_dead_node: Literal["accepted", "refused", "failed", "hangs"] = "accepted"
    """A power action whose node does not answer: 201 all the same; 422; 503; or 504 after a long wait. The
    errors begin with `Error sending action to node` (the text is recorded on 26.0.2.1, its status is not)."""

    relay_is_carried_out: bool = False
    """The node carries out a power action although its answer cannot be received."""

    statistics_of_the_dead: Literal["zeros", "stale", "gone"] = "zeros"
    """The machine_stats row of a machine whose process ended: zeros are written again and again; it stays as
    it was written last; or it is not there. A stop that the node carried out leaves zeros in a stale row."""

    heartbeat_of_the_dead: Literal["stops", "goes_on"] = "stops"
    """The `last_update` of the status row of a machine without a process, stopped ones included: it stays, or
    a controller keeps writing it."""

    read_only_status_columns: Literal["none", "powerstate_and_node"] = "none"
    """Columns of machine_status that refuse a whole PUT that names them, with 422 `field 'x' is readonly`
    (pyvergeos issue 86 has text and status, of another table). Nothing is changed then."""

    rows_behind_a_vm: Literal["come", "old", "null", "dropped", "refused"] = "come"
    """What `machine[…]` of a VM's row gives. `come`: the rows. The vendor's docs (yb-api) have
    `machine[most,drives[most],…]`; its exporter has statistics behind nodes (`fields=dashboard`). `old`: rows
    that say they were written a minute ago, as a cache gives them. `null`: nulls behind the machine.
    `dropped`: no column, as for an unknown one. `refused`: 422."""

    error_key: str = "err"
    """The key of the error envelope; `error` appears in some vendor prose."""

    unknown_column_in_filter_matches_nothing: bool = True
    """Measured for one table; False: such a comparison reads the column as null."""

    def __post_init__(self) -> None:
        """Check the version.

        Raises:
            ValueError: it is no version. The message names it.
        """
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){1,3}", self.version):
            raise ValueError(f"no version of VergeOS: {self.version!r}, one is written like 26.1.8")
