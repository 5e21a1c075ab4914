"""``vergeos-nb demo``: the main job from end to end, on a simulated system over real HTTPS."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import click

from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.run_report import as_json, progress_on, show
from vergeos_nb.connect.simulated import announce, withdraw
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import PAGE
from vergeos_nb.record.record_folder import check
from vergeos_nb.runner import warm
from vergeos_nb.runner.headless import run
from vergeos_nb.simulator import Simulator, ready
from vergeos_nb.words import counted

SCENARIO = "stuck"
# Short, because this is a demonstration. On a real system the defaults give the guest more time.
WAITS = {
    "sample_gap_s": 1.5,
    "poll_s": 0.5,
    "poweroff_wait_s": 2.0,
    "kill_wait_s": 2.0,
    "settle_s": 2.0,
    "confirm_timeout_s": 20.0,
}


@click.command(cls=Command)
@outputs_option
@json_option
def demo(outputs: Path, output: Output) -> int:
    """Run the whole job on the simulator: plan, approve, force off, prove. Then check the record."""
    # Before the simulator's threads begin: a process with threads cannot be forked as a whole.
    warm.loaded_here()
    simulator = Simulator(SCENARIO)
    given = {
        "vm_name": simulator.vm_name,
        "profile": f"simulator:{SCENARIO}",
        "reason": "demonstration",
        "ticket": "DEMO-1",
        **WAITS,
    }
    with tempfile.TemporaryDirectory(prefix="vergeos-nb-demo-") as runtime, simulator.serve() as door:
        environ = {"VERGEOS_NB_RUNTIME_DIR": runtime}
        announce(ready(simulator, door), environ=environ)
        output.line(f"A simulated VergeOS answers at {door.url}. Its VM {simulator.vm_name!r} is stuck:")
        output.line("its process is gone, its record says that it runs, and nobody can start it again.")
        output.line()
        output.line("1. Plan. Nothing is changed without an approval.")
        planned = run("force_power_off", given, outputs=outputs, on_line=progress_on(output), environ=environ)
        digest = planned.account.fact("plan_digest")
        if planned.exit_code or not digest:
            show(planned, output)
            output.result(as_json(planned))
            return planned.exit_code or 70
        plan = planned.account.fact("plan")
        output.line()
        output.line(
            f"   On      VM {plan['vm']['name']}, VM key {plan['vm']['key']}, machine "
            f"{plan['vm']['machine']}, status row {plan['vm']['status_key']}"
        )
        output.line(
            f"   From    {plan['before']['status']}, running: {str(plan['before']['running']).lower()}"
        )
        for request in plan["requests"]:
            body = json.dumps(request["body"])
            output.line(f"   May     {request['rung']}: {request['method']} {request['path']} {body}")
        output.line(f"   Digest  {digest}")
        output.line()
        output.line("2. Approve that digest: try the methods in order, and look for evidence after each.")
        done = run(
            "force_power_off",
            {**given, "approve": digest, "approver": "demo"},
            outputs=outputs,
            on_line=progress_on(output),
            environ=environ,
        )
        sent = len(simulator.changing_requests())
        alive = simulator.process_alive(simulator.vm_name)
        withdraw(os.getpid(), environ=environ)
    output.line()
    show(done, output)
    wrong = check(done.folder) if not done.record_error else ["there is no record"]
    output.line()
    output.line(
        f"3. The record's files are as recorded: {'yes' if not wrong else 'NO: ' + '; '.join(wrong)}."
    )
    output.line(
        f"   The simulator's own log: {counted(sent, 'changing call')}, "
        f"the process is {'ALIVE' if alive else 'dead'}."
    )
    output.line(f"   Look at {done.folder / PAGE}")
    output.result({**as_json(done), "record_intact": not wrong, "changing_calls": sent})
    return done.exit_code or (RecordError.exit_code if wrong else 0)
