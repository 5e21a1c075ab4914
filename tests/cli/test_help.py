"""The list of commands is shown without importing a command, and says what the commands say themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from vergeos_nb.cli.commands import Command, Group
from vergeos_nb.cli.main import cli


def late_commands(group: Group, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, sentence in the list, and full help of every command that is imported late."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, Group):
            yield from late_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", group.late[name][1], command.help or ""


def test_the_list_of_commands_says_how_each_commands_own_help_begins() -> None:
    differ = {
        path: told for path, told, own in late_commands(cli) if not own.startswith(told.removesuffix("."))
    }
    assert differ == {}


def test_what_a_commands_function_returns_is_its_exit_code() -> None:
    for code in (0, 3):
        command = Command("any", callback=lambda code=code: code)
        with pytest.raises(SystemExit) as end:
            command.main([])
        assert end.value.code == code


def test_help_loads_hardly_more_than_click() -> None:
    """Holds off: one import at the top of a module, and help takes half as long again."""
    script = (
        "import sys, click; before = set(sys.modules); from vergeos_nb.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - {'vergeos_nb'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"httpx", "pandas", "nbformat", "pydantic", "pathlib", "urllib", "json", "hashlib"}
