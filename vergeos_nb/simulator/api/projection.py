"""`fields=`: turn its syntax tree into a function that makes an answer's object from a stored row.

Measured facts (pyvergeos 1.7.1 base.py; D-guide): only named entries come back; unknown names vanish;
views and names combine; `fk[...]` gives an object and `rows[...]` an array; a list without any real
column is answered with one row `{"$count": N}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.api.resolve import MISSING, column_getter, follow_reference, link_spec
from vergeos_nb.simulator.grammar import functions
from vergeos_nb.simulator.grammar.comparing import comparison
from vergeos_nb.simulator.grammar.literals import literal_value
from vergeos_nb.simulator.grammar.parse import parse_fields
from vergeos_nb.simulator.grammar.syntax import (
    Argument,
    Call,
    Column,
    Comparison,
    Entry,
    Expression,
    Fields,
    Literal,
    Nested,
    Path,
)
from vergeos_nb.simulator.tables.schema import VIEWS, ColumnSpec
from vergeos_nb.simulator.world.world import Getter, Row, World

Output = tuple[str, Getter]

DASHBOARDS: dict[str, str] = {
    "vms": "$key,name,description,machine[$key,name,status[most,agent_guest_info],stats[most]]",
    "nodes": "$key,id,name,ram,vm_ram,cores,maintenance,vm_stats_totals,cluster#name as cluster_display,"
    "machine[$key,name,status[most],stats[most],drives[most,stats[most]],nics[most,stats[most]]]",
}
"""The view `dashboard`, where a table has one (govergeos vm.go, the old exporter; columns assumed)."""


class Projection:
    """A compiled list of fields; `outputs` is empty when it names no real column."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self.outputs = list(outputs)
        self.by_label = dict(self.outputs)

    def apply(self, row: Row) -> dict[str, Any]:
        """Make the answer's object from a stored row."""
        made = {label: getter(row) for label, getter in self.outputs}
        if any(value is MISSING for value in made.values()):
            return {label: value for label, value in made.items() if value is not MISSING}
        return made


def project(world: World, table: str, tree: Fields) -> Projection:
    """Compile a list of fields for `table`.

    Raises:
        ApiError: 422 for an unknown operator or an unbalanced brace inside the list.
    """
    outputs: list[Output] = []
    for entry in tree.entries:
        outputs += _entry(world, table, entry)
    return Projection(outputs)


def bare(world: World, table: str) -> Projection:
    """Return the short set of columns answered when no `fields` were asked for (mostly assumed)."""
    names = world.schema[table].bare
    found = [(name, world.getter(table, name)) for name in names]
    return Projection([(name, getter) for name, getter in found if getter is not None])


def expression_getter(world: World, table: str, expression: Expression) -> Getter | None:
    """Return the getter of a path or a comparison; None if it names no column of the table."""
    if isinstance(expression, Comparison):
        left = path_getter(world, table, expression.path)
        value = literal_value(expression.literal, world.now)
        test = comparison(expression.operator, value, bare=expression.literal.kind == "bare")
        return tested(test, left) if left is not None else None
    return path_getter(world, table, expression)


def tested(test: Callable[[Any], bool], getter: Getter) -> Callable[[Row], bool]:
    """Return a test of a stored row; a value that is left out reads as null."""

    def apply(row: Row) -> bool:
        value = getter(row)
        return test(None if value is MISSING else value)

    return apply


def _entry(world: World, table: str, entry: Entry) -> list[Output]:
    view = _view_name(entry)
    if view is not None:
        return _view(world, table, view)
    getter = expression_getter(world, table, entry.expression)
    if getter is None:
        return []
    return [(_label(entry), getter)]


def _view_name(entry: Entry) -> str | None:
    step = entry.expression.only if isinstance(entry.expression, Path) else None
    return step.name if entry.alias is None and isinstance(step, Column) and step.name in VIEWS else None


def _view(world: World, table: str, view: str) -> list[Output]:
    if view == "dashboard":
        text = DASHBOARDS.get(table)
        return project(world, table, parse_fields(text)).outputs if text else []
    found = [(name, world.getter(table, name)) for name in world.schema[table].view(view)]
    return [(name, getter) for name, getter in found if getter is not None]


def _label(entry: Entry) -> str:
    expression = entry.expression
    if entry.alias is None and isinstance(expression, Path) and isinstance(expression.steps[-1], Nested):
        return "#".join(step.name for step in expression.steps)  # `status[most]` comes back as `status`
    call = _call_of(entry)
    if entry.alias is None and call is not None and len(call.arguments) == 1:
        argument = call.arguments[0]
        if isinstance(argument, Path) and isinstance(argument.steps[-1], Column):
            return argument.steps[-1].name  # `sum(running_cores)` comes back as `running_cores` (govergeos)
    return entry.label


def path_getter(world: World, table: str, path: Path) -> Getter | None:
    """Return the getter of a traversal; None if its first step is not a column of the table."""
    first, rest = path.steps[0], path.steps[1:]
    if isinstance(first, Call):
        return _call_getter(world, table, first) if not rest else None
    if isinstance(first, Nested):
        if rest:
            return None
        selection = first.fields
        if (table, first.name) == ("vms", "machine") and world.switches.rows_behind_a_vm != "come":
            return _without_rows_behind(world, table, selection)
        spec = link_spec(world, table, first.name)
        if spec is not None and spec.is_rows and _all_aggregates(selection):
            return _aggregate_getter(world, spec, selection)
        return _through(world, table, first.name, lambda target: project(world, target, selection).apply)
    if not rest:
        return column_getter(world, table, first.name)
    return _through(world, table, first.name, lambda target: path_getter(world, target, Path(rest)))


def _without_rows_behind(world: World, table: str, selection: Fields) -> Getter | None:
    """The answer to `machine[…]` of a VM by the switch, if the rows themselves do not come.

    Raises:
        ApiError: 422 where it refuses.
    """
    match world.switches.rows_behind_a_vm:
        case "refused":
            raise invalid_argument()
        case "dropped":
            return None
        case "old":
            return _through(
                world, table, "machine", lambda target: _older(project(world, target, selection).apply)
            )
    plain = Fields(tuple(entry for entry in selection.entries if not _leads_on(entry)))
    led_on = {_label(entry): None for entry in selection.entries if _leads_on(entry)}

    def with_nulls(target: str) -> Getter:
        made = project(world, target, plain)
        return lambda row: {**made.apply(row), **led_on}

    return _through(world, table, "machine", with_nulls)


def _older(getter: Getter) -> Getter:
    """The same rows with the times of a minute ago."""

    def older(value: Any) -> Any:
        if isinstance(value, list):
            return [older(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: one - 60 if name in ("last_update", "modified") and isinstance(one, int) else older(one)
            for name, one in value.items()
        }

    return lambda row: older(getter(row))


def _leads_on(entry: Entry) -> bool:
    return isinstance(entry.expression, Path) and isinstance(entry.expression.steps[0], Nested)


AGGREGATES = ("sum", "avg", "min", "max", "count")


def _all_aggregates(selection: Fields) -> bool:
    """Whether the list has aggregates only. Then rows give one object, not an array (govergeos node.go)."""
    calls = [_call_of(entry) for entry in selection.entries]
    return bool(calls) and all(call is not None and call.name in AGGREGATES for call in calls)


def _call_of(entry: Entry) -> Call | None:
    step = entry.expression.only if isinstance(entry.expression, Path) else None
    return step if isinstance(step, Call) else None


def _aggregate_getter(world: World, spec: ColumnSpec, selection: Fields) -> Getter:
    target, back = str(spec.target), str(spec.back)
    parts: list[tuple[str, str, Getter]] = []
    for entry in selection.entries:
        call = _call_of(entry)
        getter = _argument_getter(world, target, call.arguments[0]) if call and call.arguments else None
        if call is not None and getter is not None:
            parts.append((_label(entry), call.name, getter))

    def aggregated(row: Row) -> dict[str, Any]:
        found = world.rows_behind(target, back, row["$key"])
        world.spend(len(found))
        return {
            label: functions.FUNCTIONS[name]([getter(one) for one in found]) for label, name, getter in parts
        }

    return aggregated


def _through(world: World, table: str, name: str, inner: Callable[[str], Getter | None]) -> Getter | None:
    """Follow a link, and read the row behind it with the getter that `inner` makes for its table."""
    spec = link_spec(world, table, name)
    if spec is None:
        return None
    if spec.type == "ref":
        return _through_reference(world, name, inner)
    target = str(spec.target)
    behind = inner(target)
    if behind is None:
        return None
    if spec.type == "rows":
        back = str(spec.back)
        return _rows_getter(world, target, back, behind)
    value_of = world.getter(table, name)
    store = world.tables[target]
    assert value_of is not None

    def through(row: Row) -> Any:
        found = store.get(value_of(row))
        return behind(found) if found is not None else None

    return through


def _rows_getter(world: World, target: str, back: str, behind: Getter) -> Getter:
    def rows(row: Row) -> list[Any]:
        found = world.rows_behind(target, back, row["$key"])
        world.spend(len(found))
        return [value for value in map(behind, found) if value is not MISSING]

    return rows


def _through_reference(world: World, name: str, inner: Callable[[str], Getter | None]) -> Getter:
    made: dict[str, Getter | None] = {}

    def through(row: Row) -> Any:
        found = follow_reference(world, row.get(name))
        if found is None:
            return MISSING
        target, behind = found
        if target not in made:
            made[target] = inner(target)
        getter = made[target]
        return getter(behind) if getter is not None else MISSING

    return through


def _call_getter(world: World, table: str, call: Call) -> Getter | None:
    arguments = [_argument_getter(world, table, argument) for argument in call.arguments] or [_nothing]
    first = arguments[0]
    if first is None or None in arguments:
        return None
    column = _plain_column(world, table, call)

    def called(row: Row) -> Any:
        value = first(row)
        value = None if value is MISSING else value
        if call.name == "display":
            return functions.display(world, column, value)
        return functions.FUNCTIONS[call.name](value)

    return called if call.name == "display" or call.name in functions.FUNCTIONS else None


def _nothing(row: Row) -> None:
    """The value of an argument that was left out."""


def _argument_getter(world: World, table: str, argument: Argument) -> Getter | None:
    if isinstance(argument, Literal):
        value = literal_value(argument, world.now)
        return lambda row: value
    return expression_getter(world, table, argument)


def _plain_column(world: World, table: str, call: Call) -> ColumnSpec | None:
    first = call.arguments[0] if call.arguments else None
    step = first.only if isinstance(first, Path) else None
    return world.schema[table].columns.get(step.name) if isinstance(step, Column) else None
