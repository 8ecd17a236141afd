"""The `bench` command: verbs and their options; what they do stands elsewhere."""

from __future__ import annotations

import click

from bench.cli.common import Bench
from bench.cli.data import data
from bench.cli.reporting import card, list_, report
from bench.cli.running import plan, run
from bench.cli.scoring import score
from bench.cli.study import export, merge, reproduce, status, verify
from bench.version import __version__


@click.group(cls=Bench, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="bench")
@click.option("--traceback", is_flag=True, help="Show the Python traceback of an error in the input.")
def main(traceback: bool) -> None:
    """Rerun, and go beyond, the disentanglement study of Locatello et al. (ICML 2019).

    \b
    Examples:
      bench run quickstart && bench report quickstart
      bench plan grids/locatello.yaml
    """


for verb in (run, plan, status, report, card, score, verify, export, merge, reproduce, list_, data):
    main.add_command(verb)
