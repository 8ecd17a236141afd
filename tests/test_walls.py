"""What may import what: reading, planning and reporting load neither torch nor ray, metrics no models."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bench"


def loaded_by(code: str) -> set[str]:
    """Top-level modules that are loaded after `code` ran in a fresh interpreter."""
    text = f"{code}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, check=True
        ).stdout.split()
    )


@pytest.mark.parametrize(
    "code",
    [
        "import bench; bench.load_grid; bench.load_scores; bench.report; bench.score",
        "import bench; bench.load_grid('quickstart').cells[0].id",
        "import bench.cli, bench.cli.running, bench.study, bench.plan, bench.running, bench.progress",
        "from bench.study_plan import make_plan; make_plan('quickstart', results='nowhere')",
        "import bench.metrics, bench.scoring, bench.score_pack, bench.artifacts, bench.pack",
        "import bench.data, bench.data.commands",
        "import bench.reporting",
    ],
)
def test_neither_torch_nor_ray_is_loaded(code):
    assert loaded_by(code) & {"torch", "ray"} == set()


def imports(path: Path) -> set[str]:
    """Modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def files(*patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted(PACKAGE.glob(pattern))]


@pytest.mark.parametrize("path", files("**/*.py"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_scheduler_imports_ray_and_nothing_draws_globally(path):
    if path not in (PACKAGE / "schedule.py", PACKAGE / "cluster.py"):
        assert not any(name.partition(".")[0] == "ray" for name in imports(path))
    text = path.read_text()
    for word in ("np.random.seed(", "np.random.rand", "torch.manual_seed(", "random.seed(", "RandomState("):
        assert word not in text
    assert "random" not in imports(path)


@pytest.mark.parametrize(
    ("inside", "forbidden"),
    [
        ("metrics/*.py", ("bench.models", "bench.nets", "bench.training", "torch", "bench.store")),
        ("models/*.py", ("bench.schedule", "bench.pack", "bench.plan", "bench.store", "bench.metrics")),
        ("nets/*.py", ("bench.schedule", "bench.pack", "bench.models", "bench.store")),
        ("reporting/**/*.py", ("torch", "bench.training", "bench.models", "bench.schedule")),
        ("pack.py", ("bench.schedule",)),
    ],
)
def test_the_walls_of_the_design_hold(inside, forbidden):
    for path in files(inside):
        for name in imports(path):
            crossed = [wall for wall in forbidden if name == wall or name.startswith(f"{wall}.")]
            assert not crossed, f"{path.name} imports {name}"
