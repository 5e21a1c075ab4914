"""The control prefix `/_sim/`: change a running simulator, apart from the imitated API.

Needs the simulator's own user name and password, its API key, or the control token in the header
`X-Simulator-Token`. Nothing here is counted, logged or faulted as a request of the imitated API.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from vergeos_nb.simulator.api.core import read_body
from vergeos_nb.simulator.api.messages import ApiError, Request, Response
from vergeos_nb.simulator.capture.dump import dump
from vergeos_nb.simulator.faults.fault_files import rules_from
from vergeos_nb.simulator.faults.rules import list_faults
from vergeos_nb.simulator.scenarios.declared import list_scenarios
from vergeos_nb.simulator.simulation import Simulation
from vergeos_nb.simulator.world.world_clock import SteppedClock

PREFIX = "/_sim/"

Handler = Callable[[Simulation, Request, str], Any]

ROUTES: dict[tuple[str, str], Handler] = {}
EXPLAINED: dict[str, str] = {}
"""Every route of the control prefix with what it does."""


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a route. If the last part of its path is in capitals, the function gets that part's value."""

    def register(function: Handler) -> Handler:
        ROUTES[(method, path)] = function
        EXPLAINED[f"{method} {PREFIX}{path}"] = function.__doc__ or ""
        return function

    return register


def answer(simulator: Simulation, request: Request) -> Response:
    """Answer a request under the control prefix."""
    try:
        simulator.check_control(request)
        status, data = 200, _dispatch(simulator, request)
    except ApiError as error:
        status, data = error.status, {"err": error.text}
    except ValueError as error:
        status, data = 422, {"err": str(error)}
    return Response(status, simulator.core.headers(), json.dumps(data, separators=(",", ":")).encode())


def _dispatch(simulator: Simulation, request: Request) -> Any:
    path = request.path.removeprefix(PREFIX)
    for (method, pattern), function in ROUTES.items():
        fixed = pattern.rstrip(string.ascii_uppercase)
        rest = path.removeprefix(fixed) if fixed != pattern and path.startswith(fixed) else ""
        if method == request.method and (path == pattern or rest):
            return function(simulator, request, rest)
    raise ApiError(
        404, f"No such control: {request.method} {request.path}; there are: {', '.join(EXPLAINED)}"
    )


@route("GET", "")
def about(simulator: Simulation, request: Request, rest: str) -> Any:
    """What is simulated: scenario, subject, seed, clock."""
    return {
        "scenario": simulator.scenario.name,
        "vm_name": simulator.vm_name,
        "vms": simulator.vms,
        "seed": simulator.seed,
        "now": simulator.world.settle(),
        "clock": type(simulator.clock).__name__,
        "switches": asdict(simulator.switches),
        "controls": EXPLAINED,
    }


@route("GET", "scenarios")
def scenarios(simulator: Simulation, request: Request, rest: str) -> Any:
    """The scenarios and the keys of fault rules, explained."""
    return {"scenarios": list_scenarios(), "faults": list_faults()}


@route("POST", "reset")
def reset(simulator: Simulation, request: Request, rest: str) -> Any:
    """Begin anew; {"scenario": name} changes the scenario."""
    simulator.reset(read_body(request).get("scenario"))
    return {"scenario": simulator.scenario.name, "vm_name": simulator.vm_name}


@route("GET", "state")
def get_state(simulator: Simulation, request: Request, rest: str) -> Any:
    """Dump the state as JSON."""
    return dump(simulator.world)


@route("PUT", "state")
def put_state(simulator: Simulation, request: Request, rest: str) -> Any:
    """Load a dumped state."""
    simulator.load(read_body(request, longest=500_000_000))
    return {}


@route("GET", "faults")
def get_faults(simulator: Simulation, request: Request, rest: str) -> Any:
    """The fault rules with how often each matched and fired."""
    return simulator.faults.report()


@route("POST", "faults")
def post_faults(simulator: Simulation, request: Request, rest: str) -> Any:
    """Add a rule, or an array of rules."""
    try:
        data = json.loads(request.body)
    except ValueError:
        raise ApiError(400, "Request body is not JSON") from None
    rules = rules_from(data)
    simulator.faults.add(*rules)
    return [rule.name for rule in rules]


@route("DELETE", "faults")
def delete_faults(simulator: Simulation, request: Request, rest: str) -> Any:
    """Remove all rules."""
    simulator.faults.clear()
    return {}


@route("GET", "faults/never-fired")
def never_fired(simulator: Simulation, request: Request, rest: str) -> Any:
    """Names of the rules that have not fired."""
    return simulator.faults.never_fired()


@route("GET", "requests")
def get_requests(simulator: Simulation, request: Request, rest: str) -> Any:
    """Every request of the imitated API so far."""
    return [
        {**asdict(entry), "body": "***" if "/tokens" in entry.path else entry.body.decode(errors="replace")}
        for entry in simulator.requests
    ]


@route("GET", "truth/NAME")
def truth(simulator: Simulation, request: Request, rest: str) -> Any:
    """The truth about a VM: where its process lives."""
    world = simulator.world
    world.settle()
    try:
        found = world.vm(rest) if world.vms(rest) else world.vm(int(rest) if rest.isdigit() else rest)
    except KeyError as error:
        raise ApiError(404, str(error.args[0])) from None
    vitals = world.vitals[found.machine]
    return {"vm": asdict(found), "process_alive": vitals.alive, "nodes": list(vitals.copies)}


@route("POST", "role")
def role(simulator: Simulation, request: Request, rest: str) -> Any:
    """Let the user change everything, or only read: {"role": "admin" or "reader"}."""
    wanted = str(read_body(request).get("role"))
    simulator.set_role(wanted)
    return {"role": wanted}


@route("POST", "advance")
def advance(simulator: Simulation, request: Request, rest: str) -> Any:
    """Move a stepped clock: {"seconds": n}."""
    seconds = read_body(request).get("seconds")
    if not isinstance(simulator.clock, SteppedClock):
        raise ApiError(409, "The simulator follows the wall clock")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
        raise ApiError(422, "seconds must be a number that is not negative")
    simulator.clock.advance(seconds)
    return {"now": simulator.world.settle()}
