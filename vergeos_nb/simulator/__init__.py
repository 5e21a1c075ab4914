"""A simulated VergeOS system to rehearse on and to test against.

    from vergeos_nb.simulator import Simulator, SteppedClock

    sim = Simulator("stuck", clock=SteppedClock())
    client = httpx.Client(transport=sim.transport(), base_url="https://simulator")

    with sim.serve() as door:          # a real TLS socket on loopback
        ...                            # door.url, door.ca_file

The README beside this file describes faults, tables and the control prefix. This room shares no code with
the rest of the package, so that a wrong reading of the API is not made in both.
"""

from vergeos_nb.simulator.api.messages import Request, RequestLogEntry, Response
from vergeos_nb.simulator.capture.captured import FORMAT as CAPTURE_FORMAT
from vergeos_nb.simulator.capture.captured import Captured, Life, read_captured
from vergeos_nb.simulator.capture.replaying import replay
from vergeos_nb.simulator.doors.serving import ready, serve_forever, serve_until_stopped
from vergeos_nb.simulator.faults.rules import Rule, list_faults
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.scenarios.declared import SCENARIOS, list_scenarios
from vergeos_nb.simulator.scenarios.scenario import Scenario
from vergeos_nb.simulator.simulator import Simulator
from vergeos_nb.simulator.tables.schema import column_words, columns_of
from vergeos_nb.simulator.world.world_clock import Clock, SteppedClock, WallClock

__all__ = [
    "CAPTURE_FORMAT",
    "SCENARIOS",
    "Captured",
    "Clock",
    "Life",
    "Request",
    "RequestLogEntry",
    "Response",
    "Rule",
    "Scenario",
    "Simulator",
    "SteppedClock",
    "Switches",
    "WallClock",
    "column_words",
    "columns_of",
    "list_faults",
    "list_scenarios",
    "read_captured",
    "ready",
    "replay",
    "serve_forever",
    "serve_until_stopped",
]
