"""A simulated system as one object: a scenario, a clock, credentials, faults, a log of requests."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vergeos_nb.simulator.api.core import Core
from vergeos_nb.simulator.api.logins import Accounts
from vergeos_nb.simulator.api.messages import ApiError, Request, RequestLogEntry, Response
from vergeos_nb.simulator.capture.captured import Captured, scenario_of, settle_in
from vergeos_nb.simulator.capture.dump import dump, load
from vergeos_nb.simulator.capture.recording import Recorder
from vergeos_nb.simulator.faults.fault_files import load_rules
from vergeos_nb.simulator.faults.rules import Faults, Rule
from vergeos_nb.simulator.faults.spoiling import spoilt, without
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.scenarios.declared import find_scenario
from vergeos_nb.simulator.scenarios.scenario import Scenario
from vergeos_nb.simulator.tables import base
from vergeos_nb.simulator.tables.system_rows import System
from vergeos_nb.simulator.world import life
from vergeos_nb.simulator.world.world_clock import Clock, WallClock

TOKENS_PATH = "/api/sys/tokens"

MAX_LOG = 200_000
"""How many requests are remembered, so that a simulator left running does not grow without end."""


ROLES = ("admin", "reader")


class Simulation:
    """A simulated VergeOS system without doors. `Simulator` adds them.

    Args:
        scenario: A name from `list_scenarios()`.
        vms: How many predictable VMs (`vm-00001`, ...) to add to the base fleet.
        seed: The seed of everything that looks random.
        clock: Where time comes from; None is the machine's own clock.
        username, password, api_key: Throw-away credentials; those not given are made up (the user is
            called `admin`).
        switches: The answers to points that the vendor's documents leave open.
        faults: Rules to put behind the scenario's own, or a JSON or TOML file of them.
        record: A file to record every request in (see recording.py).
        system_id: The system's own `id`, 40 hexadecimal digits; made up if left out.
        captured: A captured system (see `capture/captured.py`) to imitate in place of a scenario.

    Raises:
        ValueError: For a scenario that does not exist, naming those that do, or a bad file of faults.
    """

    def __init__(
        self,
        scenario: str = "stuck",
        vms: int = 0,
        seed: int = 0,
        clock: Clock | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        switches: Switches | None = None,
        faults: Sequence[Rule] | str | Path | None = None,
        record: str | Path | None = None,
        system_id: str | None = None,
        captured: Captured | None = None,
    ) -> None:
        self.captured = captured
        self.scenario: Scenario = scenario_of(captured) if captured else find_scenario(scenario)
        if vms < 0:
            raise ValueError(f"a fleet cannot have {vms} more VMs")
        self.vms, self.seed = vms, seed
        self.clock: Clock = clock or WallClock(captured.taken_at if captured else None)
        self.switches = switches or Switches()
        self.system_id = system_id or secrets.token_hex(20)
        self.username = username or "admin"
        self.password = password or secrets.token_urlsafe(18)
        self.api_key = api_key or secrets.token_hex(32)
        self.control_token = secrets.token_hex(24)
        self._extra_rules = load_rules(faults) if isinstance(faults, (str, Path)) else list(faults or ())
        self._lock = threading.RLock()
        self.reset()
        self._recorder = Recorder(record, self._header(), self._secrets) if record is not None else None

    def reset(self, scenario: str | None = None) -> None:
        """Begin the scenario (or another one) anew: state, faults, sessions and request log.

        Credentials, clock and the rules the simulator was made with stay.

        Raises:
            ValueError: For a scenario that does not exist.
        """
        with self._lock:
            if scenario is not None:
                self.scenario = find_scenario(scenario)
            world = self._empty_world()
            if self.captured is not None and self.scenario.name == "captured":
                settle_in(world, self.captured)
                base.add_user(world, self.username)
            else:
                self._build(world)
            self._log: deque[RequestLogEntry] = deque(maxlen=MAX_LOG)
            self.faults = Faults(self.seed)
            self.faults.add(*self.scenario.rules, *self._extra_rules)
            self.triggers = Faults(self.seed)
            self.triggers.add(*self.scenario.triggers)
            self._move_in(world)

    def _build(self, world: System) -> None:
        equal_keys = self.scenario.equal_keys
        many_vms.build(world, vms=self.vms, equal_keys=equal_keys, username=self.username)
        world.set_row("system", next(iter(world.tables["system"])), id=self.system_id)
        subject = world.tables["vms"][many_vms.key_of(0, "vms")]
        self.scenario.prepare(world, subject)

    def close(self) -> None:
        """End the recording, if there is one; the simulator itself holds nothing open."""
        with self._lock:
            if self._recorder is not None:
                self._recorder.close()
                self._recorder = None

    def _header(self) -> dict[str, Any]:
        """How this simulation was made: the first line of a recording."""
        return {
            "scenario": self.scenario.name, "vms": self.vms, "seed": self.seed, "start": self.world.now,
            "username": self.username, "switches": asdict(self.switches),
            "faults": [rule.as_data() for rule in self._extra_rules],
        }  # fmt: skip

    def _secrets(self) -> list[str]:
        """Everything that opens this simulation now: its own credentials, session tokens, new API keys."""
        return [self.password, self.api_key, *self.accounts.sessions, *self.world.api_secrets]

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON data; credentials, faults and the request log are not part of it."""
        with self._lock:
            return dump(self.world)

    def load(self, state: dict[str, Any]) -> None:
        """Replace the present state by a dumped one.

        Raises:
            ValueError: it is no dumped state. The present state is kept.
        """
        with self._lock:
            world = self._empty_world()
            load(world, state)
            self._move_in(world)

    def _empty_world(self) -> System:
        switches = replace(self.switches, **self.scenario.switches)
        return System(self.clock, seed=self.seed, switches=switches, lock=self._lock)

    def _move_in(self, world: System) -> None:
        self.world = world
        self.accounts = Accounts(
            self.username,
            self.password,
            self.api_key,
            role=self.scenario.role,
            expired=self.scenario.credentials_expire,
        )
        self.core = Core(self.world, self.accounts)
        self.set_role(self.scenario.role)

    def set_role(self, role: str) -> None:
        """Let the user change everything (`admin`), or only read (`reader`), from now on.

        Raises:
            ValueError: For another role.
        """
        if role not in ROLES:
            raise ValueError(f"no role {role!r}; there are: {', '.join(ROLES)}")
        with self._lock:
            self.accounts.role = role
            may = dict.fromkeys(("create", "modify", "delete"), role == "admin")
            row = {"identity": 1, "table": "/", "row": 0, "list": True, "read": True, **may}
            if self.world.get("permissions", 1) is None:
                self.world.insert("permissions", row, 1)
            else:
                self.world.update("permissions", 1, **may)

    @property
    def vm_name(self) -> str:
        """The name of the VM the scenario is about."""
        return self.scenario.subject

    # -- answering ----------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one request. It is logged whether or not a fault keeps the answer from arriving."""
        with self._lock:
            now = self.world.settle()
            response = self._answer(request, now)
            if self._recorder is not None:
                self._recorder.write(request, response, now, self._is_known(request))
            return response

    def check_control(self, request: Request) -> None:
        """Refuse a request with neither the control token nor the simulator's credentials.

        Raises:
            ApiError: 401.
        """
        token = request.headers.get("x-simulator-token", "")
        if not hmac.compare_digest(token.encode(), self.control_token.encode()):
            self.accounts.identify(self.world, request.headers)

    def _is_known(self, request: Request) -> bool:
        try:
            self.check_control(request)
        except ApiError:
            return False
        return True

    def _answer(self, request: Request, now: float) -> Response:
        rule = self.faults.choose(request, now)
        if rule is None or rule.executes:
            self._trigger(request, now)
        response, executed = self._respond(request, rule)
        status = None if response.drop is not None else response.status
        self._log.append(
            RequestLogEntry(request.method, request.path, request.query, request.body, status, now, executed)
        )
        return response

    def _trigger(self, request: Request, now: float) -> None:
        """Trigger the scenario's event for the moment before this request."""
        trigger = self.triggers.choose(request, now)
        if trigger is not None:
            machine = self.world.vm(self.vm_name).machine
            life.HANDLERS[trigger.name](self.world, machine, {})

    def _respond(self, request: Request, rule: Rule | None) -> tuple[Response, bool]:
        if rule is None:
            return self.core.execute(request), True
        if rule.drop == "before":
            return Response(0, {}, b"", rule.delay, "before"), False
        if rule.gives_answer:
            if rule.executes:
                self.core.execute(request)
            return spoilt(self.core.faulty(request, rule), rule), rule.executes
        answer = self.core.execute(without(request, rule.ignore))
        answer = replace(answer, headers={**answer.headers, **rule.headers})
        return spoilt(answer, rule), True

    # -- what a test asks ---------------------------------------------------------------------

    @property
    def requests(self) -> list[RequestLogEntry]:
        """Everything that reached the imitated API, answered or not (the last MAX_LOG of it)."""
        with self._lock:
            return list(self._log)

    def changing_requests(self) -> list[RequestLogEntry]:
        """The requests that could have changed something: no GET, no login or logout."""
        return [
            entry
            for entry in self.requests
            if entry.method not in ("GET", "HEAD", "OPTIONS") and not entry.path.startswith(TOKENS_PATH)
        ]

    def process_alive(self, vm: str | int) -> bool:
        """The truth: whether a hypervisor process of this VM lives. The API never shows it."""
        return self.process_copies(vm) > 0

    def process_copies(self, vm: str | int) -> int:
        """The truth: how many processes of this VM live. Two are the accident to prevent."""
        with self._lock:
            self.world.settle()
            return len(self.world.truth(vm).copies)
