"""What a trained stack leaves in its study: weights, curves, pictures and the codes that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bench import artifacts
from bench.cell import Cell
from bench.codes import code_tables, kl_per_latent
from bench.context import Context
from bench.pictures import pictures
from bench.problem import Curve, Problem, State
from bench.provenance import peak_memory, with_costs
from bench.stack import device_name


@dataclass(frozen=True)
class Keeper:
    """Writes the files of one pack's cells; a cell that died in training leaves its curve only."""

    context: Context
    problem: Problem
    pack_id: str
    stored_index: np.ndarray  # images whose codes are kept for UDR

    def keep(
        self, cells: Sequence[Cell], rows: Sequence[int], state: State, curve: Curve, seconds: float
    ) -> None:
        """Write what `cells`, the first members of `state`, leave; those of `rows` are alive.

        `seconds` is the wall time of all together.
        """
        about = self._about(seconds)
        if curve.steps:
            self._keep_curves(cells, curve, about)
        if not rows:
            return
        alive, parameters = [cells[row] for row in rows], state.parameters.detach()[rows]
        if self.context.storage.weights:
            self._keep_weights(alive, parameters, about)
        self._keep_pictures(alive, parameters, about)
        self._keep_codes(alive, parameters, about)

    def _keep_curves(self, cells: Sequence[Cell], curve: Curve, about: dict[str, str]) -> None:
        """Curves that no earlier try left: one that died after it had may have had other neighbours, hence
        another file, and curves/ is read whole."""
        folder = self.context.path / "curves"
        ends = artifacts.curve_ends(folder, self.pack_id)
        kept = {cell.id for cell in cells if ends.get(cell.id) == curve.steps[-1]}
        rows = [row for row in _curve_rows(cells, curve) if row["cell_id"] not in kept]
        if rows:
            artifacts.write_curves(folder, self.pack_id, rows, about)

    def _keep_weights(self, cells: list[Cell], parameters: torch.Tensor, about: dict[str, str]) -> None:
        named = self.problem.network.layout.split(parameters)
        artifacts.write_weights(
            self.context.path / "models",
            self.pack_id,
            [cell.id for cell in cells],
            {name: value.cpu().numpy() for name, value in named.items()},
            self._about_network(cells[0]),
            about,
        )

    def _keep_pictures(self, cells: list[Cell], parameters: torch.Tensor, about: dict[str, str]) -> None:
        drawn = {
            cell.id: pictures(self.problem, parameters[row : row + 1], self.stored_index)
            for row, cell in enumerate(cells)
            if cell.seed == self.context.picture_seed and len(self.stored_index)
        }
        artifacts.write_pictures(self.context.path / "pictures", self.pack_id, drawn, about)

    def _keep_codes(self, cells: list[Cell], parameters: torch.Tensor, about: dict[str, str]) -> None:
        index = self.stored_index
        if not len(index):
            return
        mean, log_variance = code_tables(self.problem, parameters, index)
        kl = kl_per_latent(mean, log_variance)
        kept = {cell.id: (mean[row], kl[row]) for row, cell in enumerate(cells)}
        artifacts.write_stored_codes(self.context.path / "codes", self.pack_id, index, kept, about)

    def _about(self, seconds: float) -> dict[str, str]:
        """The metadata of what this process writes about cells that took `seconds` together."""
        return with_costs(
            self.context.provenance,
            device=device_name(self.context.device),
            cuda=torch.version.cuda or "",
            seconds=seconds,
            peak_memory=peak_memory(),
        )

    def _about_network(self, first: Cell) -> dict:
        return {
            "architecture": first.training.architecture,
            "latent_dim": first.training.latent_dim,
            "channels": self.problem.images.channels,
            "dataset": first.dataset,
            "source": first.source,
            "model": first.model,
        }


def _curve_rows(cells: Sequence[Cell], curve: Curve) -> list[dict]:
    points = {name: torch.stack(values).cpu().tolist() for name, values in curve.points.items()}
    return [
        {"cell_id": cell.id, "step": step} | {name: values[t][row] for name, values in points.items()}
        for row, cell in enumerate(cells)
        for t, step in enumerate(curve.steps)
    ]
