"""A caller of one simulator and the rows its tests compare with."""

from __future__ import annotations

from typing import Any

import httpx

from vergeos_nb.simulator import Simulator


class Caller:
    """A thin HTTP client of one simulator: returns (status, JSON), so that tests compare whole values."""

    def __init__(self, simulator: Simulator) -> None:
        self.sim = simulator
        self.http = httpx.Client(
            transport=simulator.transport(),
            base_url="https://simulator",
            auth=(simulator.username, simulator.password),
        )

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, Any]:
        response = self.http.request(method, path, params=params or None, json=body)
        return response.status_code, response.json() if response.content else None

    def get(self, path: str, **params: Any) -> Any:
        status, data = self.call("GET", f"/api/v4/{path}", **params)
        assert status == 200, (status, data)
        return data

    def get_error(self, path: str, **params: Any) -> tuple[int, Any]:
        return self.call("GET", f"/api/v4/{path}", **params)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self.call("POST", f"/api/v4/{path}", body)

    def put(self, path: str, body: Any) -> tuple[int, Any]:
        return self.call("PUT", f"/api/v4/{path}", body)

    def delete(self, path: str) -> tuple[int, Any]:
        return self.call("DELETE", f"/api/v4/{path}")

    def names(self, filter_text: str) -> list[str]:
        return [row["name"] for row in self.get("vms", filter=filter_text, fields="name")]

    def status(self, vm: str | int = "web-01") -> Any:
        return self.get(
            f"machine_status/{self.sim.world.vm(vm).status}", fields="running,powerstate,status,state,node"
        )

    def wait(self, seconds: float) -> None:
        self.sim.clock.sleep(seconds)


OVERRIDE = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
"""The vendor's four fields (the force power-off page, step 5)."""

STOPPED = {"running": False, "powerstate": False, "status": "stopped", "state": "offline", "node": None}
STUCK = {"running": True, "powerstate": True, "status": "unresponsive", "state": "warning", "node": 1}
RUNNING = {"running": True, "powerstate": True, "status": "running", "state": "online", "node": 1}
