"""The report: every exhibit and every claim of the study as functions of its scores."""

from bench.reporting.page import build

__all__ = ["build"]
