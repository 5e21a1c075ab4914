"""What a record's page needs is loaded while the run's kernel works, not at its end."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.record import page
from vergeos_nb.views import bundle


def test_the_end_of_a_run_compiles_no_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.prepare()
    bundle.prepare()
    compiled: list[str] = []
    compile_one = jinja2.Environment.compile

    def counted(self: jinja2.Environment, source: str, name: str | None = None, **options: object) -> object:
        compiled.append(str(name))
        return compile_one(self, source, name, **options)  # type: ignore[call-overload]

    run = Rehearsal("stuck", tmp_path)
    book = run.open()
    for step in book.engine.steps:
        book.engine.run(step.id)
    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    run.end(book)
    assert compiled == []
