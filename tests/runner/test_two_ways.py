"""Two headless runs that reach one system in two ways, over one archive, against its TLS door."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.at_night import at_night
from tests.served import LADDER, NAME, changing, served
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.runner.headless import run
from vergeos_nb.session.run import Run


@pytest.mark.parametrize("spelled", ["localhost", at_night("LOCALHOST."), at_night("[::ffff:127.0.0.1]")])
def test_profiles_simulator_and_env_on_one_simulator_do_not_both_force_the_vm_off(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    """Holds off: poweroff and kill that go out twice, because 127.0.0.1 and localhost had a lease each."""
    with served() as simulator:
        door = simulator.door  # type: ignore[attr-defined]
        monkeypatch.setenv("VERGE_HOST", f"{spelled}:{door.port}")
        monkeypatch.setenv("VERGE_USERNAME", simulator.username)
        monkeypatch.setenv("VERGE_PASSWORD", simulator.password)
        monkeypatch.setenv("VERGE_CA_FILE", door.ca_file)
        digests = {
            profile: run("force_power_off", {**NAME, "profile": profile}, outputs=outputs).account.fact(
                "plan_digest"
            )
            for profile in ("simulator", "env")
        }
        folder = outputs / "2026-01-01" / "first"
        folder.mkdir(parents=True)
        options = read_parameters("force_power_off", {**NAME, "approve": digests["simulator"]})
        first = Run("force_power_off", options, folder, finish_here=False)
        for step in first.engine.steps[:6]:
            first.step(step.id)
        second = run(
            "force_power_off", {**NAME, "profile": "env", "approve": digests["env"]}, outputs=outputs
        )
        assert (second.account.outcome, second.exit_code, changing(simulator)) == ("refused", 3, [])
        for step in first.engine.steps[6:]:
            first.step(step.id)
        assert (first.end().outcome, changing(simulator)) == ("done", LADDER)
