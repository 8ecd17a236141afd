"""The report: every exhibit and every claim of the study as functions of its scores."""

from bench.reporting.report import build

__all__ = ["build"]
