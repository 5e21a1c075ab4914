"""The control prefix `/_sim/`: reaching into a running simulator, away from the imitated API.

Needs the simulator's own user name and password, its API key, or the control token in the header
`X-Simulator-Token`. Nothing here is counted, logged or faulted as a request of the imitated API.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vergeos_nb.simulator.api.core import read_body
from vergeos_nb.simulator.api.messages import ApiError, Request, Response
from vergeos_nb.simulator.capture.dump import dump
from vergeos_nb.simulator.faults.fault_files import rules_from
from vergeos_nb.simulator.faults.rules import list_faults
from vergeos_nb.simulator.scenarios.declared import list_scenarios
from vergeos_nb.simulator.world.world_clock import SteppedClock

if TYPE_CHECKING:
    from vergeos_nb.simulator.doors.served import Served

PREFIX = "/_sim/"

Handler = Callable[["Served", Request, str], Any]

ROUTES: dict[tuple[str, str], Handler] = {}

EXPLAINED = {
    "GET /_sim/": "what is simulated: scenario, subject, seed, clock",
    "GET /_sim/scenarios": "the scenarios and the keys of fault rules, explained",
    "POST /_sim/reset": 'begin anew; {"scenario": name} changes the scenario',
    "GET /_sim/state": "dump the state as JSON",
    "PUT /_sim/state": "load a dumped state",
    "GET /_sim/faults": "the fault rules with how often each matched and fired",
    "POST /_sim/faults": "add a rule, or an array of rules",
    "DELETE /_sim/faults": "remove all rules",
    "GET /_sim/faults/never-fired": "names of the rules that have not fired",
    "GET /_sim/requests": "every request of the imitated API so far",
    "GET /_sim/truth/NAME": "what is really so about a VM: where its process lives",
    "POST /_sim/role": 'let the user change everything, or only read: {"role": "admin" or "reader"}',
    "POST /_sim/advance": 'move a stepped clock: {"seconds": n}',
}
"""Every route of the control prefix with what it does."""


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a route; a path ending in `/*` hands the rest to its function."""

    def register(function: Handler) -> Handler:
        ROUTES[(method, path)] = function
        return function

    return register


def answer(simulator: Served, request: Request) -> Response:
    """Answer a request under the control prefix."""
    try:
        check(simulator, request)
        status, data = 200, _dispatch(simulator, request)
    except ApiError as error:
        status, data = error.status, {"err": error.text}
    except ValueError as error:
        status, data = 422, {"err": str(error)}
    return Response(status, simulator.core.headers(), json.dumps(data, separators=(",", ":")).encode())


def check(simulator: Served, request: Request) -> None:
    """Refuse a request with neither the control token nor the simulator's credentials.

    Raises:
        ApiError: 401.
    """
    token = request.headers.get("x-simulator-token", "")
    if token and hmac.compare_digest(token.encode(), simulator.control_token.encode()):
        return
    simulator.accounts.identify(simulator.world, request.headers)


def _dispatch(simulator: Served, request: Request) -> Any:
    path = request.path.removeprefix(PREFIX)
    for (method, pattern), function in ROUTES.items():
        rest = path.removeprefix(pattern[:-1]) if pattern.endswith("/*") else ""
        fits = path.startswith(pattern[:-1]) and rest if pattern.endswith("/*") else path == pattern
        if fits and method == request.method:
            return function(simulator, request, rest)
    raise ApiError(
        404, f"No such control: {request.method} {request.path}; there are: {', '.join(EXPLAINED)}"
    )


@route("GET", "")
def about(simulator: Served, request: Request, rest: str) -> Any:
    """Describe the simulation."""
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
def scenarios(simulator: Served, request: Request, rest: str) -> Any:
    """Explain scenarios and fault rules."""
    return {"scenarios": list_scenarios(), "faults": list_faults()}


@route("POST", "reset")
def reset(simulator: Served, request: Request, rest: str) -> Any:
    """Restart the scenario, or start another one."""
    simulator.reset(read_body(request).get("scenario"))
    return {"scenario": simulator.scenario.name, "vm_name": simulator.vm_name}


@route("GET", "state")
def get_state(simulator: Served, request: Request, rest: str) -> Any:
    """Dump the state."""
    return dump(simulator.world)


@route("PUT", "state")
def put_state(simulator: Served, request: Request, rest: str) -> Any:
    """Load a state."""
    simulator.load(read_body(request, longest=500_000_000))
    return {}


@route("GET", "faults")
def get_faults(simulator: Served, request: Request, rest: str) -> Any:
    """Report the rules."""
    return simulator.faults.report()


@route("POST", "faults")
def post_faults(simulator: Served, request: Request, rest: str) -> Any:
    """Add rules."""
    try:
        data = json.loads(request.body)
    except ValueError:
        raise ApiError(400, "Request body is not JSON") from None
    rules = rules_from(data)
    simulator.faults.add(*rules)
    return [rule.name for rule in rules]


@route("DELETE", "faults")
def delete_faults(simulator: Served, request: Request, rest: str) -> Any:
    """Remove all rules."""
    simulator.faults.clear()
    return {}


@route("GET", "faults/never-fired")
def never_fired(simulator: Served, request: Request, rest: str) -> Any:
    """Name the rules that have not fired."""
    return simulator.faults.never_fired()


@route("GET", "requests")
def get_requests(simulator: Served, request: Request, rest: str) -> Any:
    """List the requests; bodies that carry credentials are left out."""
    return [
        {
            "method": entry.method,
            "path": entry.path,
            "query": entry.query,
            "body": "***" if "/tokens" in entry.path else entry.body.decode(errors="replace"),
            "status": entry.status,
            "at": entry.at,
            "executed": entry.executed,
        }
        for entry in simulator.requests
    ]


@route("GET", "truth/*")
def truth(simulator: Served, request: Request, rest: str) -> Any:
    """Tell where the processes of a VM live; by name, or by VM key if it is a number and no name."""
    world = simulator.world
    world.settle()
    try:
        found = world.vm(rest) if world.vms(rest) else world.vm(int(rest) if rest.isdigit() else rest)
    except KeyError as error:
        raise ApiError(404, str(error.args[0])) from None
    vitals = world.vitals[found.machine]
    return {"vm": asdict(found), "process_alive": vitals.alive, "nodes": list(vitals.copies)}


@route("POST", "role")
def role(simulator: Served, request: Request, rest: str) -> Any:
    """Grant or take the right to change something."""
    wanted = str(read_body(request).get("role"))
    simulator.set_role(wanted)
    return {"role": wanted}


@route("POST", "advance")
def advance(simulator: Served, request: Request, rest: str) -> Any:
    """Move a stepped clock."""
    seconds = read_body(request).get("seconds")
    if not isinstance(simulator.clock, SteppedClock):
        raise ApiError(409, "The simulator follows the wall clock")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
        raise ApiError(422, "seconds must be a number that is not negative")
    simulator.clock.advance(seconds)
    return {"now": simulator.world.settle()}
