"""What the commands print: sentences for people, and one JSON line for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click


class Output:
    """Standard output holds the result, standard error the progress."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """A line of the result for people; with ``--json`` it goes to standard error."""
        click.echo(text, err=self.as_json)

    def progress(self, text: str) -> None:
        """A line about what is going on."""
        click.echo(text, err=True)

    def result(self, data: Mapping[str, Any]) -> None:
        """The result for programs: the last line of standard output, only with ``--json``."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False))
