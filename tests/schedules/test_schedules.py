"""The examples of schedules: their own commands, run as a scheduler runs them, and what keeps two apart."""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.served import NAME, QUICK, changing, served
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.record.record_folder import read
from vergeos_nb.runner.headless import run

EXAMPLES = Path(__file__).parents[2] / "examples" / "schedules"
INSTALLED = re.compile(r"(/opt/vergeos-nb/bin/)?\bvergeos-nb(?= (run|audit) )")


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(EXAMPLES / name)
    return parser


def here(command: str, *more: str) -> str:
    """A command of the examples, with this package in place of the installed one, and further words."""
    ours = f"{shlex.quote(sys.executable)} -m vergeos_nb"
    assert INSTALLED.search(command), command
    return INSTALLED.sub(lambda found: ours, command).replace("--json ", "--json " + "".join(more))


def from_systemd(environ: Mapping[str, str], *more: str) -> list[str]:
    """The words of ExecStart as systemd gives them: split first, and each variable is one word."""
    words = shlex.split(here(unit("vergeos-nb-apply@.service")["Service"]["ExecStart"], *more))
    return [re.sub(r"\$\{(\w+)\}", lambda found: environ[found[1]], word) for word in words]


def from_cron(folder: Path) -> str:
    (line,) = [one for one in (EXAMPLES / "crontab").read_text().splitlines() if one[:1].isdigit()]
    minute, hour, day, month, weekday, command = line.split(maxsplit=5)
    assert (minute, hour, day, month, weekday) == ("30", "2", "*", "*", "6")
    # To cron an unescaped percent sign is the end of the line.
    assert "%" not in line
    return here(command.replace("/etc/vergeos-nb", str(folder)))


def env_file(environ: Mapping[str, str]) -> str:
    """The example's file, with these values."""
    text = (EXAMPLES / "web-01.env").read_text()
    names = re.findall(r"^(\w+)=", text, re.M)
    assert set(names) == set(environ)
    return "".join(f"{name}={environ[name]}\n" for name in names)


def waits(**changed: Any) -> str:
    return "".join(f"-p {name}={value} " for name, value in {**QUICK, **changed}.items())


def approved(outputs: Path, **changed: Any) -> dict[str, str]:
    """The example's variables, for a plan of now."""
    digest = run("force_power_off", {**NAME, **changed}, outputs=outputs).account.fact("plan_digest")
    return {
        "PROFILE": "simulator",
        "VM_NAME": "web-01",
        "TICKET": "INC-4711",
        "APPROVER": "ada",
        "APPROVE_UNTIL": "2999-01-01T00:00:00Z",
        "PLAN_DIGEST": str(digest),
        "VERGEOS_NB_OUTPUTS": str(outputs),
    }


def wait_for_intent(outputs: Path, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not any('"event": "intent"' in j.read_text() or '"event":"intent"' in j.read_text()
                  for j in outputs.glob("*/*/journal.jsonl")):  # fmt: skip
        assert time.monotonic() < end, "nothing was sent"
        time.sleep(0.05)


@pytest.mark.real_waits
def test_of_two_schedules_on_one_vm_the_second_is_refused_and_told_who_is_at_it(
    outputs: Path, tmp_path: Path
) -> None:
    # A process that lives, so that the wait of the first one goes on, however long the second one takes.
    with served("zombie") as simulator:
        long = {"poweroff_wait_s": 3600}
        environ = approved(outputs, **long)
        (tmp_path / "secrets.env").write_text("VERGE_TIMEOUT=30\n")
        (tmp_path / "web-01.env").write_text(env_file(environ))
        first = subprocess.Popen(
            from_systemd(environ, waits(**long)),
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for_intent(outputs)
            second = subprocess.run(
                ["/bin/sh", "-c", from_cron(tmp_path).replace("--deadline", f"{waits(**long)} --deadline")],
                capture_output=True,
                text=True,
                timeout=90,
            )
            sent = changing(simulator)
        finally:
            # As systemd stops a service: the command closes its record.
            first.send_signal(signal.SIGTERM)
        said, _ = first.communicate(timeout=60)
    assert (second.returncode, sent) == (3, [("POST", "/api/v4/vm_actions")])
    assert re.search(rf"process \d+ on {re.escape(os.uname().nodename)}", second.stdout), second.stdout
    told = json.loads(said.splitlines()[-1])
    assert (first.returncode, told["outcome"]) == (7, "interrupted")


def test_the_job_of_the_ci_system_applies_the_plan_and_keeps_what_was_said(
    outputs: Path, tmp_path: Path
) -> None:
    job = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["force-power-off"]
    (line,), (after,) = job["script"], job["after_script"]
    assert (job["retry"], job["resource_group"]) == (0, "vergeos-$VM_NAME")
    with served() as simulator:
        environ = {**os.environ, **approved(outputs)}
        for command in (here(line, waits()), here(after)):
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert len(changing(simulator)) == 3
    told = json.loads((tmp_path / "run.txt").read_text().splitlines()[-1])
    record = read(Path(told["record"]))
    assert (told["outcome"], told["verdict"]) == ("done", "off")
    assert (record["ticket"], record["approval"]["approver"]) == ("INC-4711", "ada")


def test_cron_hears_nothing_of_a_run_that_ends_well(tmp_path: Path) -> None:
    line = from_cron(tmp_path)
    well, ill = (re.sub(r"\$\(.*? 2>&1\)", f"$(echo said; exit {code})", line) for code in (0, 5))
    for name in ("secrets.env", "web-01.env"):
        (tmp_path / name).write_text("PROFILE=env\n")
    done = [subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True) for text in (well, ill)]
    assert [(one.returncode, one.stdout) for one in done] == [(0, ""), (5, "said\n")]


def test_the_units_are_what_systemd_reads(tmp_path: Path) -> None:
    service, timer = unit("vergeos-nb-apply@.service"), unit("vergeos-nb-apply@.timer")
    assert (service["Service"]["Type"], service["Service"]["KillMode"]) == ("oneshot", "mixed")
    assert (timer["Timer"]["OnCalendar"], timer["Timer"]["Persistent"]) == ("Sat 02:30", "no")
    if (analyze := shutil.which("systemd-analyze")) is None:
        return
    for path in EXAMPLES.glob("*@.*"):
        text = path.read_text().replace("/opt/vergeos-nb/bin/vergeos-nb", "/bin/true")
        (tmp_path / path.name.replace("@", "@web-01")).write_text(text.replace("User=vergeos-nb\n", ""))
    # Units of the whole machine are looked at too, so only words about these count.
    done = subprocess.run(
        [analyze, "verify", *map(str, tmp_path.glob("*@*"))], capture_output=True, text=True, timeout=30
    )
    assert [one for one in done.stderr.splitlines() if "vergeos-nb-apply@" in one] == []


def test_the_dag_asks_for_what_the_runbook_takes_once_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow is too large to install for this: a stand-in takes what the DAG says."""
    said: dict[str, dict[str, Any]] = {}

    class Dag:
        def __init__(self, **words: Any) -> None:
            said["dag"] = words

        def __enter__(self) -> Dag:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    airflow = types.ModuleType("airflow")
    operator = types.ModuleType("airflow.providers.papermill.operators.papermill")
    vars(airflow)["DAG"] = Dag
    vars(operator)["PapermillOperator"] = lambda **words: said.update(task=words)
    monkeypatch.setitem(sys.modules, "airflow", airflow)
    for name in ("airflow.providers", "airflow.providers.papermill", "airflow.providers.papermill.operators"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, operator.__name__, operator)
    runpy.run_path(str(EXAMPLES / "force_power_off_dag.py"))
    dag, task = said["dag"], said["task"]
    assert (dag["max_active_runs"], dag["catchup"], dag["default_args"]) == (1, False, {"retries": 0})
    assert Path(task["input_nb"]).name == "force_power_off.ipynb"
    assert task["execution_timeout"] < dag["dagrun_timeout"]
    plan = {
        "vm_name": "web-01",
        "ticket": "INC-4711",
        "approver": "ada",
        "approve_until": "2999-01-01T00:00:00Z",
        "digest": "0" * 64,
    }
    variable = re.compile(r"\{\{ var\.json\.vergeos_plan\.(\w+) \}\}")
    rendered = {
        name: variable.sub(lambda found: plan[found[1]], text) for name, text in task["parameters"].items()
    }
    options = read_parameters("force_power_off", rendered)
    assert (options.profile, options.approve) == ("env", "0" * 64)
    assert {"token", "password", "secret"} & {word for name in rendered for word in name.split("_")} == set()
