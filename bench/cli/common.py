"""What all verbs share: options, examples in help, and errors as sentences."""

from __future__ import annotations

import math
import sys

import click

EXIT_FAILED_CELLS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def examples(*lines: str) -> str:
    """The end of a verb's help: two examples, kept on lines of their own."""
    return "\n\n\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def in_words(error: Exception) -> str:
    """An error as a sentence; of what the system refused, the file and the reason, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


class FloatRange(click.FloatRange):
    """As click's, which takes nan for a number of every range."""

    def convert(self, value, param, ctx):
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


class BadInput(click.ClickException):
    """What was typed cannot be done: one sentence for each thing wrong, exit code 2."""

    exit_code = EXIT_BAD_INPUT

    def show(self, file=None) -> None:
        click.echo(self.format_message(), err=True)


class Bench(click.Group):
    """Turns the errors of bad input, raised anywhere below, into sentences without a traceback."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("Interrupted; the same command begins again.", err=True)
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough: click ends quietly
            raise
        except (ValueError, OSError) as error:
            if context.params.get("traceback"):
                raise
            raise BadInput(in_words(error)) from None


results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    metavar="DIR",
    help="Folder of the studies, or an address: s3://bucket/prefix.",
)
data_option = click.option(
    "--data-dir", metavar="DIR", help="Folder of data sets; else $BENCH_DATA, else the user's cache."
)
device_option = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Train on this; the GPU when there is one."
)
