"""README and docs are true: their commands run, their output is real, their tables match the code."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import command as forked
from vergeos_nb.errors import VergeNbError
from vergeos_nb.parameters import table_lines
from vergeos_nb.procedure.evidence.witnesses.roll import WITNESSES
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS, schema_of
from vergeos_nb.settings.policy import parse_policy
from vergeos_nb.vergeos.assumptions import ASSUMPTIONS

ROOT = Path(__file__).parents[1]
# What people read. The commands of docs/verify-by-hand.md have tests of their own in tests/archive/.
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.name != "verify-by-hand.md"
}
README = PAGES["README.md"]
# What differs from run to run: whose run it was, when, and times of calls.
# Who runs the test, and when; what the documents show was run by somebody else at another time.
VOLATILE = re.compile(
    r"(?<=  done by      ).*|(?<=  ended        ).*|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=Waited )\d+(?= s)"
)


pytestmark = pytest.mark.usefixtures("skipped_waits")


def blocks(name: str, page: str = "README.md") -> tuple[list[str], list[str]]:
    """The commands after ``<!-- run: NAME -->`` on a page, and the lines of output that it shows for them."""
    found = re.search(
        rf"<!-- run: {name} -->\n```console\n(?P<commands>.*?)```\n(?:```text\n(?P<output>.*?)```)?",
        PAGES[page],
        re.S,
    )
    assert found, (page, name)
    commands = [line.removeprefix("$ ") for line in found["commands"].splitlines()]
    return commands, (found["output"] or "").splitlines()


def run(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as the README's reader does, with the virtual environment on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path}
    program, *words = shlex.split(command)
    if program in ("vergeos-nb", "papermill"):
        return forked(*words, program=program, env=environ, cwd=cwd)
    return subprocess.run(
        [program, *words], cwd=cwd, env=environ, capture_output=True, text=True, timeout=150
    )


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout to the commands and takes their records."""
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    (tmp_path / "runbooks").symlink_to(ROOT / "runbooks")
    return tmp_path


def shown_lines_missing(shown: list[str], output: str) -> list[str]:
    lines = {VOLATILE.sub("", line).rstrip() for line in output.splitlines()}
    return [line for line in shown if line and VOLATILE.sub("", line).rstrip() not in lines]


def test_the_tour_is_what_the_commands_really_print(reader: Path) -> None:
    (plan,), shown_plan = blocks("plan")
    (approve,), shown_approve = blocks("approve")
    planned, done = run(plan, reader), run(approve, reader)
    assert (planned.returncode, done.returncode) == (0, 0), planned.stderr + done.stderr
    assert shown_lines_missing(shown_plan, planned.stdout) == []
    assert shown_lines_missing(shown_approve, done.stdout) == []
    # The archive that these two runs have left.
    for command in [*blocks("audit")[0], *blocks("verify", "archive.md")[0]]:
        checked = run(command, reader)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    export, verify = blocks("export", "archive.md")[0]
    record = next(reader.glob("outputs/*/*/record.json")).parent.name
    exported = run(export.replace("RECORD", record), reader)
    assert (exported.returncode, (reader / f"{record}.zip").is_file()) == (0, True), exported.stderr
    verified = run(verify.replace("RECORD", record), reader)
    assert (verified.returncode, verified.stdout.count("  Vouched for: ")) == (0, 3), verified.stderr


OTHERS = [
    ("README.md", "list"),
    ("README.md", "papermill"),
    ("README.md", "doctor"),
    ("record.md", "recover"),
    ("parameters.md", "all-parameters"),
    ("parameters.md", "report"),
    ("fleet.md", "stuck"),
    ("conformance.md", "conformance"),
]


@pytest.mark.parametrize(("page", "name"), OTHERS, ids=lambda part: str(part))
def test_the_other_commands_of_the_documents_run(page: str, name: str, reader: Path) -> None:
    for command in blocks(name, page)[0]:
        done = run(command, reader)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_the_watch_of_the_documents_ends_as_it_should(reader: Path) -> None:
    (watch,) = blocks("watch", "parameters.md")[0]
    done = run(watch, reader)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.nightly
def test_the_test_vm_of_the_documents_is_planned_for_and_tried_out(reader: Path) -> None:
    plan, apply = blocks("conformance-vm", "conformance.md")[0]
    planned = run(f"{plan} --json", reader)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    digest = json.loads(planned.stdout.splitlines()[-1])["plan_digest"]
    applied = run(f"{apply} --json".replace("DIGEST", digest), reader)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    measured = json.loads(applied.stdout.splitlines()[-1])["assumptions"]
    assert [name for name, one in measured.items() if one["is"] == "not measured"] == []
    assert [path.stem for path in (reader / "outputs" / "platform").iterdir()] == ["simulator_healthy"]


def test_every_command_of_the_documents_is_run_by_a_test() -> None:
    named = {
        (page, name) for page, text in PAGES.items() for name in re.findall(r"<!-- run: ([\w-]+) -->", text)
    }
    assert named == {
        *OTHERS,
        ("README.md", "plan"),
        ("README.md", "approve"),
        ("README.md", "audit"),
        # In tests/cli/test_lab_command.py.
        ("README.md", "lab"),
        ("archive.md", "verify"),
        ("archive.md", "export"),
        ("parameters.md", "watch"),
        ("conformance.md", "conformance-vm"),
    }
    bare = [
        line
        for text in PAGES.values()
        for block in re.findall(r"(?<!-->\n)```console\n(.*?)```", text, re.S)
        for line in block.splitlines()
    ]
    assert bare == ["$ make demo", "$ make test"]


def test_make_demo_runs_the_demo_and_make_test_runs_lint_and_tests() -> None:
    def recipe(target: str) -> str:
        # Where make runs the tests, an inner make would also print which folder it enters and leaves.
        done = subprocess.run(
            ["make", "--no-print-directory", "-n", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert recipe("demo").splitlines()[-1] == ".venv/bin/vergeos-nb demo"
    assert [
        word for word in ("ruff check", "ruff format --check", "mypy", "pytest") if word in recipe("test")
    ] == [
        "ruff check",
        "ruff format --check",
        "mypy",
        "pytest",
    ]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_the_exit_codes_of_documents_help_and_errors_agree() -> None:
    def codes(error: type[VergeNbError]) -> set[int]:
        return {error.exit_code}.union(*(codes(child) for child in error.__subclasses__()))

    table = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGES["exit-codes.md"], re.M)}
    assert table == codes(VergeNbError) | {0}
    from vergeos_nb.cli.main import cli

    assert {
        int(code) for code in re.findall(r"(\d+) [a-zA-Z]", str(cli.help).partition("Exit codes:")[2])
    } == table


def test_every_variable_that_settings_read_is_explained() -> None:
    from vergeos_nb.settings.env import VARIABLES

    assert [name for name in VARIABLES if name not in README] == []


def test_the_policy_of_the_documents_is_read_without_an_error() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES["policy.md"], re.S)
    policy = parse_policy(text, "policy.md")
    assert (policy.names, policy.keys, policy.tags) == (("dc-*", "vcenter"), (1,), ("production-db",))
    assert (len(policy.windows), policy.two_people, policy.stop_file) == (1, True, "~/STOP")


def test_every_parameter_that_the_documents_name_is_one() -> None:
    table = PAGES["parameters.md"].partition("| parameter | what for |")[2].partition("\n\n")[0]
    named = {name for row in re.findall(r"^\| (.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert named - set(schema_of("force_power_off").model_fields) == set()


def test_the_table_of_all_parameters_is_the_schema_s_own() -> None:
    head = "| parameter | default | description |\n|---|---|---|\n"
    table = PAGES["parameters.md"].partition(head)[2].partition("\n\n")[0]
    assert table.splitlines() == table_lines(schema_of("force_power_off"))


def test_every_runbook_has_its_line_in_the_list_of_runbooks() -> None:
    table = PAGES["parameters.md"].partition("| runbook | what it does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(RUNBOOKS)


def test_every_assumption_of_the_code_is_named_and_no_other_with_the_module_that_makes_it() -> None:
    named = dict(
        re.findall(r"^\| `([A-Z_]+)` \|.*?\(`(vergeos_nb/[\w/]+\.py)`\)", PAGES["assumptions.md"], re.M)
    )
    made = {
        name: path.relative_to(ROOT).as_posix()
        for path in (ROOT / "vergeos_nb").rglob("*.py")
        for name in re.findall(r"^(ASSUME_\w+|MIN_GAP_S|ROW_FOLLOWS_S) = ", path.read_text(), re.M)
    }
    assert named == made


def test_every_assumption_that_can_be_measured_is_named_in_its_own_words() -> None:
    head = "| name | statement | until it was measured |\n|---|---|---|\n"
    table = PAGES["assumptions.md"].partition(head)[2].partition("\n\n")[0]
    assert table.splitlines() == [
        f"| `{one.id}` | {one.sentence} | {one.meanwhile} |" for one in ASSUMPTIONS.values()
    ]


def test_the_table_of_sources_is_what_the_witnesses_declare() -> None:
    head = "| source | what is read | says alive if | says dead if | rests on |\n|---|---|---|---|---|\n"
    table = PAGES["assumptions.md"].partition(head)[2].partition("\n\n")[0]
    assert table.splitlines() == [
        f"| `{one.source}` | {one.reads} | {one.alive or 'never'} | {one.dead or 'never'} "
        f"| {', '.join(f'`{name}`' for name in one.assumes) or 'nothing'} |"
        for one in WITNESSES
    ]


def test_the_pictures_are_small() -> None:
    pictures = list((ROOT / "docs").glob("*.png"))
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 250_000] == []
