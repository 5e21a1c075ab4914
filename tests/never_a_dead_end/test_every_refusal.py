"""Every error that the code can raise has one form: what was asked, what came back, what to do next.

The errors are found by walking the code. A text is checked if it stands in the call, or in an assignment to
the name that the call passes.

- Asked: the activity that failed, such as "reading the policy site.toml".
- Came back: a sentence in lower case without a full stop, such as "the file is empty".
- Next: what to do now, in the same way. Only several sentences end with a full stop.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
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
ASKED, CAME_BACK, NEXT_STEP = range(3)
# Words that DESIGN has another word for.
OTHER_WORDS = re.compile(r"\b(rung|rungs|liveness|capsule|standin|run book|notebook cell)\b")


@cache
def raised() -> list[tuple[str, ast.Call]]:
    """Where an error of ours is made, and the call that makes it."""
    return list(_walk())


def _walk() -> Iterator[tuple[str, ast.Call]]:
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
    found = raised()
    assert len(found) > 200, "the walk finds them"
    without = [
        where
        for where, call in found
        if (said := way_on(call)) is None or (isinstance(said, ast.Constant) and not said.value)
    ]
    assert without == []


def texts_of(node: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The texts that this argument can be, a value in them as an ellipsis."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in values)
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts_of(body, named)
            yield from texts_of(orelse, named)
        case ast.Name(id=name) if name in named:
            for one in named[name]:
                yield from texts_of(one, {})


def said(place: int) -> list[tuple[str, str]]:
    """Where an error of ours is made, and each text that it has at this place."""
    return [
        (where, text)
        for where, call in raised()
        if len(call.args) > place and not any(isinstance(one, ast.Starred) for one in call.args)
        for text in texts_of(call.args[place], assigned(where))
        if text
    ]


def assigned(where: str) -> dict[str, list[ast.expr]]:
    """By name, what the function or module around this place assigns to it."""
    path, _, line = where.partition(" ")[0].rpartition(":")
    if path not in _TREES:
        _TREES[path] = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    tree = _TREES[path]
    around: list[ast.AST] = [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef) and one.lineno <= int(line) <= (one.end_lineno or 0)
    ]
    found: dict[str, list[ast.expr]] = {}
    for one in [*tree.body, *(inner for outer in around for inner in ast.walk(outer))]:
        if isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(one.value)
    return found


_TREES: dict[str, ast.Module] = {}


def test_what_was_asked_is_the_activity_that_failed() -> None:
    found = said(ASKED)
    assert len(found) > 150, "the walk finds them"
    assert [one for one in found if not re.match(r"…|\w+ing\b", one[1])] == []


def test_each_request_of_the_client_is_named_as_an_activity() -> None:
    named = [
        (path.name, text)
        for path in sorted(PACKAGE.joinpath("client").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for given in node.keywords
        if given.arg == "asked"
        for text in texts_of(given.value, {})
    ]
    assert named
    assert [one for one in named if not re.match(r"\w+ing\b", one[1])] == []


def test_what_came_back_is_a_sentence_in_lower_case_without_a_full_stop() -> None:
    odd = [one for one in said(CAME_BACK) if one[1].endswith(".") or re.match(r"[A-Z][a-z]+ [a-z]", one[1])]
    assert [one for one in odd if not one[1].startswith(PROPER)] == []


def test_what_to_do_next_is_said_in_lower_case_and_ends_with_a_full_stop_after_several_sentences_only() -> (
    None
):
    found = said(NEXT_STEP)
    assert [one for one in found if re.match(r"[A-Z][a-z]+ [a-z]", one[1])] == []
    stops = [one for one in found if one[1].endswith(".") != (". " in one[1].removesuffix("."))]
    assert stops == []


PROPER = ("Jupyter ", "Ctrl-C ")
"""Names, which begin with a capital letter anywhere."""


def test_an_error_names_things_as_the_design_does() -> None:
    every = [one for place in (ASKED, CAME_BACK, NEXT_STEP) for one in said(place)]
    assert [one for one in every if OTHER_WORDS.search(one[1])] == []
