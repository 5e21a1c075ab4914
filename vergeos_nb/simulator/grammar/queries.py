"""A whole GET on a table: filter, sort, offset, limit, fields.

Order of looking up a name in a filter: an alias of the same request, an own column, a traversal; with any
other name a comparison matches nothing (see Switches). Unknown parameters are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.api.projection import Projection, bare, path_getter, project, tested
from vergeos_nb.simulator.api.resolve import MISSING
from vergeos_nb.simulator.grammar.comparing import comparison
from vergeos_nb.simulator.grammar.literals import has_macro, literal_value
from vergeos_nb.simulator.grammar.parse import parse_fields, parse_filter
from vergeos_nb.simulator.grammar.syntax import Chain, Column, Comparison, Path
from vergeos_nb.simulator.world.world import Getter, Row, World

MOST_KEPT = 256
"""How many compiled lists of fields are kept. A client repeats the same few."""

Predicate = Callable[[Row], bool]


def select(world: World, table: str, params: dict[str, str]) -> list[dict[str, Any]] | dict[str, Any]:
    """Answer a GET on a table with its array of objects.

    Raises:
        ApiError: 422 for a filter, list of fields, limit or offset that cannot be read.
    """
    projection = _projection(world, table, params)
    text = params.get("filter", "").strip()
    if text:
        tree = parse_filter(text)
        wanted = predicate(world, table, tree, projection)
        candidates = world.readable_rows(table, _only_machine(tree, world.now))
        rows = [row for row in candidates if wanted(row)]
    else:
        rows = world.readable_rows(table)
    if params.get("sort", "").strip():
        rows = _sorted(world, table, rows, params["sort"], projection)
    offset, limit = _number(params, "offset"), _number(params, "limit")
    if not projection.outputs:
        return [{"$count": len(rows)}]
    if text and not rows and world.switches.no_match == "count":
        return {"$count": 0}
    rows = rows[offset:]
    if limit:
        rows = rows[:limit]
    return [projection.apply(row) for row in rows]


def select_one(world: World, table: str, row: Row, params: dict[str, str]) -> dict[str, Any]:
    """Answer a GET on one row."""
    return _projection(world, table, params).apply(row)


def predicate(world: World, table: str, chain: Chain, projection: Projection | None = None) -> Predicate:
    """Compile a filter into a test of a stored row; terms are taken strictly from left to right."""
    first = _term(world, table, chain.first, projection)
    rest = [(word == "and", _term(world, table, term, projection)) for word, term in chain.rest]
    if not rest:
        return first

    def chained(row: Row) -> bool:
        result = first(row)
        for is_and, term in rest:
            result = (result and term(row)) if is_and else (result or term(row))
        return result

    return chained


def _term(world: World, table: str, term: Comparison | Chain, projection: Projection | None) -> Predicate:
    if isinstance(term, Chain):
        return predicate(world, table, term, projection)
    value = literal_value(term.literal, world.now)
    test = comparison(term.operator, value, bare=term.literal.kind == "bare")
    getter = _named(world, table, term.path, projection)
    if getter is None:
        if has_macro(term.literal) and term.operator == "eq":
            matches_all = world.switches.unknown_column_with_braces_matches_all
            return lambda row: matches_all
        if world.switches.unknown_column_in_filter_matches_nothing:
            return lambda row: False
        return lambda row: test(None)
    return tested(test, getter)


def _named(world: World, table: str, path: Path, projection: Projection | None) -> Getter | None:
    if projection is not None and isinstance(path.only, Column) and path.only.name in projection.by_label:
        return projection.by_label[path.only.name]
    return path_getter(world, table, path)


def _projection(world: World, table: str, params: dict[str, str]) -> Projection:
    text = params.get("fields", "")
    if not text.strip():
        return bare(world, table)
    if "{" in text:
        return project(world, table, parse_fields(text))  # its macros have the value of now
    asked = (table, text, world.switches.rows_behind_a_vm)
    projection: Projection | None = world.projections.get(asked)
    if projection is None:
        projection = project(world, table, parse_fields(text))
        if len(world.projections) >= MOST_KEPT:
            world.projections.clear()
        world.projections[asked] = projection
    return projection


def _only_machine(tree: Chain, now: float) -> int | None:
    """Return the one machine a filter can match, if it is a chain of `and` with `machine eq N` in it.

    Virtual tables make only that machine's rows then; the filter is applied to them all the same.
    """
    if any(word == "or" for word, _ in tree.rest):
        return None
    for term in (tree.first, *(term for _, term in tree.rest)):
        if isinstance(term, Comparison) and term.operator == "eq" and term.path == Path((Column("machine"),)):
            value = literal_value(term.literal, now)
            return value if isinstance(value, int) else None
    return None


def _sorted(world: World, table: str, rows: list[Row], sort: str, projection: Projection) -> list[Row]:
    """Sort by one or (assumed) several comma-separated fields; an unknown field is ignored."""
    for part in reversed(sort.split(",")):
        name = part.strip()
        descending = name.startswith("-")
        tree = parse_fields(name.lstrip("+- "))  # a raw `+` of a URL arrives as a blank
        if len(tree.entries) != 1 or not isinstance(tree.entries[0].expression, Path):
            continue
        getter = _named(world, table, tree.entries[0].expression, projection)
        if getter is not None:
            rows = sorted(rows, key=_rank(getter), reverse=descending)
    return rows


def _rank(getter: Getter) -> Callable[[Row], tuple[int, Any]]:
    """Nulls first, then booleans and numbers, then texts, then the rest in no particular order."""

    def rank(row: Row) -> tuple[int, Any]:
        value = getter(row)
        if value is None or value is MISSING:
            return 0, 0
        if isinstance(value, (int, float)):
            return 1, value
        return (2, value) if isinstance(value, str) else (3, 0)

    return rank


def _number(params: dict[str, str], name: str) -> int:
    """Read `limit` or `offset`; 0 or nothing means none. Anything but a number is 422 (assumed)."""
    text = params.get(name, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise invalid_argument()
    return int(text)
