"""A click group that imports a command when it is called, so that `--help` stays fast."""

from __future__ import annotations

from typing import Any

import click

from sightline.cli.verbs import Table
from sightline.core.door import load


class LazyGroup(click.Group):
    """A group whose commands stand in a table of import strings and are loaded when called."""

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        found = load(entry[0])
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])
