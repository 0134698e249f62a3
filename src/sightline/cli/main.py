"""`sightline`: the door of the command line. Errors a person can mend become one line and exit code 2."""

from __future__ import annotations

import os
import sys

import click

from sightline import __version__
from sightline.cli.lazy import LazyGroup
from sightline.cli.verbs import VERBS
from sightline.core.errors import SightlineError


@click.group(cls=LazyGroup, table=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sightline")
def sightline() -> None:
    """Multimodal data you can trust, and the models made from it.

    \b
    Start here:
      sightline build documents my-pdfs/ --out my-dataset     a dataset with a report
      sightline inspect my-dataset                            what is in it, what was refused and why
      sightline audit my-dataset                              how many wrong answers would slip through
    """


def main() -> None:
    """Run the command line; never shows a traceback for a mistake that a person can mend. Verbs say where they stand,
    so bars of libraries are off, in the processes that they start, too, unless the environment says otherwise."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        sightline(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; finished work is kept, the same command goes on from there", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except SightlineError as error:
        click.echo(f"sightline: {error}", err=True)
        sys.exit(error.exit_code)
