"""The process of a VM on its node, and how the VM behaves. The API never shows this."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """How a VM and its node's agent answer. Durations are seconds; None means "never".

    poweron and kill are as recorded on a healthy node of 26.1.8 (Ansible collection 2.2.0,
    verify-vm-power.yml). The rest follows the vendor's documents where they give a span, or is assumed.
    """

    poweron: float = 0.5
    """From `poweron` to a running process; the row says `initializing` till then."""
    acpi: float | None = 4.0
    """From `poweroff` to a stopped VM; None: the guest ignores ACPI."""
    kill: float | None = 1.0
    """From `kill` to a stopped VM; None: accepted without effect."""
    reset: float = 1.0
    migrate: float | None = 6.0
    """From `migrate` to the VM on its new node; None: the migration hangs."""
    hibernate: float | None = 3.0
    override_lag: float = 0.0
    """From a PUT on machine_status to the row showing it."""
    rewrite: float | None = 2.0
    """From a row that contradicts a live process to the node agent's correction; None: it never does."""
    row_follows: bool = True
    """Does the status row say `stopped` when the process has ended? False: it stays at `stopping`."""
    unresponsive: float | None = 120.0
    """From a process that died by itself to status `unresponsive` (D-adv-set: 120 s)."""
    ha_restart: float | None = 10.0
    """From `unresponsive` to the restart on another node; None: HA does not act."""
    takes_actions: bool = True
    """Does the VM's node take power actions for it? False: they are relayed as to a dead node."""
    guest_answers: tuple[str, ...] = ("ping", "arp")
    """What a living guest answers on its network. Many block ping; one that hangs may answer nothing."""


NORMAL = Behaviour()


@dataclass
class Vitals:
    """The truth about one machine.

    `copies` are the keys of the nodes on which a process of this machine lives: normally none or one;
    two is the accident this whole project is about. `active` is the seconds it has lived so far (the
    counters' base) and `alive_since` when the current life began. `heartbeat` says whether the agent
    refreshes the status row. `frozen_at` is when its statistics stopped coming in. `ended_at` is when its
    last process ended, and `ended_seen` whether the node saw that and wrote it into the statistics.
    """

    behaviour: Behaviour = NORMAL
    copies: list[int] = field(default_factory=list)
    alive_since: float = 0.0
    active: float = 0.0
    heartbeat: bool = False
    frozen_at: float | None = None
    frozen_alive: bool = False
    frozen_active: float = 0.0
    ended_at: float | None = None
    ended_seen: bool = False
    generation: int = 0

    @property
    def alive(self) -> bool:
        """Does at least one process of this machine live?"""
        return bool(self.copies)

    def start(self, node: int, now: float) -> None:
        """A process starts on `node`."""
        if not self.copies:
            self.alive_since = now
        self.copies.append(node)

    def stop(self, now: float, node: int | None = None, *, seen: bool = False) -> None:
        """The process on `node` (or all of them) is gone; the counters stand still from here.

        Args:
            seen: whether the node saw its end.
        """
        if not self.copies:
            return
        self.copies = [] if node is None else [key for key in self.copies if key != node]
        if not self.copies:
            self.active += max(0.0, now - self.alive_since)
            self.ended_at, self.ended_seen = now, seen

    def freeze(self, at: float) -> None:
        """From `at` on no statistics come in. The last ones stay."""
        self.frozen_active = self.active_seconds(at)
        self.frozen_at, self.frozen_alive = at, self.alive

    def active_seconds(self, now: float) -> float:
        """Seconds of life so far as the statistics know it, at `now`."""
        if self.frozen_at is not None:
            return self.frozen_active
        return self.active + (max(0.0, now - self.alive_since) if self.copies else 0.0)

    def behave(self, **changes: Any) -> None:
        """Change how this machine behaves from now on (fields of `Behaviour`)."""
        self.behaviour = replace(self.behaviour, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Vitals:
        """Read what `to_json` gave."""
        known = {**data["behaviour"]}
        if "guest_answers" in known:
            known["guest_answers"] = tuple(known["guest_answers"])
        return cls(**{**data, "behaviour": Behaviour(**known)})
