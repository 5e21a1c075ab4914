"""Every error that the code can raise names a way on. They are found by walking the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import vergeos_nb
from vergeos_nb import errors

PACKAGE = Path(vergeos_nb.__path__[0])
KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.VergeNbError)
}
# Kinds of other packages that are called alike.
FOREIGN = {"httpcore"}
NEXT_STEP = 2  # its place among the arguments: asked, came_back, next_step


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Where an error of ours is made, and the call that makes it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "simulator"):
            continue  # it has errors of its own: the platform's
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            made = node.func
            owner = (
                made.value.id if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name) else ""
            )
            name = made.id if isinstance(made, ast.Name) else getattr(made, "attr", "")
            if name in KINDS and owner not in FOREIGN:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} {name}", node


def way_on(call: ast.Call) -> ast.expr | None:
    """The argument that says what to do now, if it is given."""
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return call.args[-1]
    if len(call.args) > NEXT_STEP:
        return call.args[NEXT_STEP]
    return next((keyword.value for keyword in call.keywords if keyword.arg == "next_step"), None)


def test_every_error_that_the_code_makes_names_a_way_on() -> None:
    found = list(raised())
    assert len(found) > 200, "the walk finds them"
    without = [
        where
        for where, call in found
        if (said := way_on(call)) is None or (isinstance(said, ast.Constant) and not said.value)
    ]
    assert without == []
