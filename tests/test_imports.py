"""Imports run one way, the environment is read in one place, and the procedure stays pure."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vergeos_nb"

# Top to bottom: a room imports from those above it and from itself. See ARCHITECTURE.md. A room within a room
# that is named here has a place of its own.
LADDER = [
    "masking",
    "errors",
    "machine",
    "bound",
    "version",
    "imports",
    "nb",
    "words",
    "canonical",
    "shapes",
    "processes",
    "clock",
    "files",
    "layout",
    "vergeos",
    "settings",
    "parameters",
    "runbook_files",
    "client",
    "simulator",
    "connect",
    "procedure.values",
    "procedure.evidence",
    "procedure.engine",
    "procedure.approval",
    "procedure.steps",
    "procedure.runbooks",
    "views",
    "archive.ledger",
    "archive.signing",
    "archive.folders",
    "forwarding",
    "journal",
    "record",
    "lease",
    "archive",
    "session",
    "runner",
    "widgets",
    "notebook",
    "fleet",
    "cli",
]
# Imports nothing of ours, so that one misreading of the API cannot hide in both sides of a test.
ALONE = "simulator"
PURE = {"httpx", "pandas", "ipywidgets", "IPython", "nbformat", "os", "time", "socket", "subprocess"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    """A module's name below the package, such as ``procedure.steps.override``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def room_of(name: str) -> str:
    """The room that a module below the package stands in."""
    first_two = ".".join(name.split(".")[:2])
    return first_two if first_two in LADDER else name.split(".")[0]


def room(path: Path) -> str:
    return room_of(module_of(path).removesuffix(".__init__"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All that a module's text is made of, read once."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imported(path: Path) -> frozenset[str]:
    """Full names of what a module imports, anywhere in it."""
    names: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def our_rooms(path: Path) -> set[str]:
    names = {name.removeprefix("vergeos_nb.") for name in imported(path) if name.startswith("vergeos_nb.")}
    return {room_of(name) for name in names} - {"open_runbook", "open_archive"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_rooms_above_its_own(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__", "procedure"):
        return
    assert here in LADDER, f"{here} has no place on the ladder"
    allowed = {ALONE} if here == ALONE else set(LADDER[: LADDER.index(here) + 1])
    if here not in ("connect", "runner", "cli"):
        allowed -= {ALONE} - {here}
    assert our_rooms(path) <= allowed


@pytest.mark.parametrize("path", sorted((PACKAGE / "procedure").rglob("*.py")), ids=module_of)
def test_the_procedure_sees_no_http_no_frames_no_widgets_and_never_prints(path: Path) -> None:
    called = {
        node.func.id for node in nodes_of(path) if isinstance(node, ast.Call) and hasattr(node.func, "id")
    }
    assert {name.split(".")[0] for name in imported(path)} & PURE == set()
    assert called & {"print", "open", "input"} == set()


def test_no_module_needs_another_that_needs_it_also_where_it_is_imported_later() -> None:
    """Imports within functions and for type checkers count."""
    named = {f"vergeos_nb.{module_of(path).removesuffix('.__init__')}": path for path in modules()}
    needs = {
        module: {
            target
            for name in imported(path)
            if (target := name if name in named else name.rpartition(".")[0]) in named and target != module
        }
        for module, path in named.items()
    }
    TopologicalSorter(needs).prepare()


# Lowered whenever one becomes needless, and never raised.
MOST_DEFERRED = 20


def deferred(path: Path) -> list[tuple[int, str]]:
    """Imports of our own modules inside functions: line, and the comment on it or above it."""
    lines = ["", *path.read_text(encoding="utf-8").splitlines()]
    found = {
        node.lineno
        for function in nodes_of(path)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vergeos_nb"
    }

    def comment(line: int) -> str:
        # Imports that follow each other share the comment above them.
        while line - 1 in found:
            line -= 1
        above = lines[line - 1].strip()
        return lines[line].partition("  # ")[2] or (above if above.startswith("#") else "")

    return [(line, comment(line)) for line in sorted(found)]


def test_few_of_our_modules_are_imported_inside_functions_and_each_such_import_says_why() -> None:
    found = {f"{path.relative_to(PACKAGE)}:{line}": why for path in modules() for line, why in deferred(path)}
    assert {place for place, why in found.items() if not why} == set()
    assert len(found) <= MOST_DEFERRED


def test_help_loads_no_heavy_library_and_no_command() -> None:
    code = """if True:
        import sys
        from vergeos_nb.cli.main import main
        try:
            main(["--help"])
        except SystemExit:
            pass
        ours = {name for name in sys.modules if name.startswith("vergeos_nb.")}
        heavy = {"httpx", "pandas", "nbformat", "jupyter_core", "pydantic", "msgspec"} & set(sys.modules)
        print(sorted(heavy), sorted(name for name in ours if name.endswith(("_command", "_commands"))))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"


def test_a_runbook_imports_no_other_runbook() -> None:
    for path in (PACKAGE / "procedure" / "runbooks").glob("*.py"):
        others = {name for name in imported(path) if name.startswith("vergeos_nb.procedure.runbooks.")}
        assert others == set(), path.name


def test_no_folder_has_so_many_modules_that_nobody_finds_the_right_one() -> None:
    counted = (path for path in modules() if path.name not in ("__init__.py", "__main__.py"))
    folders = Counter(path.parent.relative_to(PACKAGE) for path in counted)
    assert {folder: count for folder, count in folders.items() if count > 15} == {}


def test_no_module_is_so_long_that_nobody_reads_it_to_the_end() -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in modules()}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def test_no_module_name_stands_in_two_places() -> None:
    """A module may be named like the folder that it stands in, and like nothing else."""
    places: dict[str, set[str]] = {}
    for path in modules():
        folder = path.parent
        if path.name not in ("__init__.py", "__main__.py"):
            own_folder = folder.name == path.stem
            places.setdefault(path.stem, set()).add(str(folder if own_folder else path))
        elif folder != PACKAGE:
            places.setdefault(folder.name, set()).add(str(folder))
    assert {name: sorted(found) for name, found in places.items() if len(found) > 1} == {}


def test_the_environment_is_read_in_one_module_only() -> None:
    readers = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        if {"environ", "getenv"} & {node.attr for node in nodes_of(path) if isinstance(node, ast.Attribute)}
    }
    # ``self.environ`` is a name of ours too, so only modules that import os count.
    assert {reader for reader in readers if "os" in imported(PACKAGE / reader)} <= {
        "settings/places.py",
        "runner/headless.py",
        # What they hand on to a kernel, unread.
        "runner/provisioner.py",
        "runner/fork_server.py",
    }
    assert "os.environ" not in (PACKAGE / "runner/headless.py").read_text()


def test_the_simulator_is_imported_by_nobody_above_what_stands_in_for_a_system() -> None:
    users = {room(path) for path in modules() if "simulator" in our_rooms(path)} - {"simulator"}
    assert users <= {"connect", "runner", "cli"}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("vergeos_nb", {"httpx", "pandas", "pydantic", "papermill", "nbformat", "IPython"}),
        ("vergeos_nb.errors", {"httpx", "pydantic"}),
        ("vergeos_nb.settings", {"httpx", "pydantic", "platformdirs"}),
        ("vergeos_nb.simulator", {"lark", "tornado", "trustme", "httpx"}),
        ("vergeos_nb.cli.main", {"httpx", "pandas", "pydantic", "papermill", "nbformat", "lark"}),
        ("vergeos_nb.notebook.opening", {"pandas", "papermill", "nbformat", "nbconvert", "lark", "trustme"}),
        ("vergeos_nb.cli.run_command", {"pandas", "papermill", "nbformat", "nbconvert", "lark", "trustme"}),
    ],
)
def test_importing_a_module_loads_nothing_heavy_that_it_may_not_need(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(sorted(set({sorted(heavy)!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nbformat_is_loaded_in_one_place_and_without_the_grammar_that_no_notebook_needs() -> None:
    """Holds off: half of a run's time went into a grammar of IRIs that jsonschema compiles when it loads."""
    users = {path.name for path in modules() if "nbformat" in {n.split(".")[0] for n in imported(path)}}
    assert users == {"nb.py"}
    code = """if True:
        import sys
        from vergeos_nb.runner import papermill_run
        from vergeos_nb.record import page, render
        page.prepare()
        print("rfc3987_syntax" in sys.modules, "arrow" in sys.modules)
        from rfc3987_syntax import is_valid_syntax_iri
        from jsonschema import Draft202012Validator, FormatChecker
        print("date" in FormatChecker.checkers)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]


def test_papermill_loads_its_client_for_the_web_when_it_is_first_used() -> None:
    code = """if True:
        import sys
        from vergeos_nb.runner import papermill_run
        from papermill import iorw
        print("urllib3" in sys.modules, iorw.requests.get.__name__, "urllib3" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "get", "True"]
