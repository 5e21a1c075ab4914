"""Options that commands share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
outputs_option = click.option(
    "--outputs",
    metavar="DIR",
    default=None,
    help="Where records go. [default: VERGEOS_NB_OUTPUTS, or ./outputs]",
)
