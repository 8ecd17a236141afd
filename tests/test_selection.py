import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.grid import load_grid
from bench.selection import select
from bench.study_plan import make_plan

GRID = """
datasets: [dsprites, dsprites_quick]
models: {beta_vae: {beta: [1, 4]}, vae: {}}
seeds: 12
training: {architecture: dense_8}
"""


@pytest.fixture
def cells(tmp_path):
    (tmp_path / "g.yaml").write_text(GRID)
    return load_grid(tmp_path / "g.yaml", data_dir=tmp_path).cells


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (None, 72),
        ("", 72),
        ("model=beta_vae", 48),
        ("model=beta_vae,model=vae", 72),
        ("model=beta_vae,dataset=dsprites,seed=0-9", 20),
        ("seed=3", 6),
        ("seed=3,seed=10-11", 18),
        ("strength=4", 24),
        ("strength=4.0,strength=1e0", 48),
        ("model = beta_vae , strength=1,seed=0", 2),
    ],
)
def test_conditions_narrow_and_alternatives_widen(cells, wanted, count):
    assert len(select(cells, wanted)) == count


def test_the_limit_keeps_the_plans_order_and_a_cell_has_an_id(cells):
    assert select(cells, "dataset=dsprites_quick", 5) == list(cells[36:41])
    assert select(cells, f"cell={cells[7].id}") == [cells[7]]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("modl=vae", r"--select knows no 'modl'; did you mean 'model'\? \(known: dataset, "),
        ("foo=3", r"--select knows no 'foo' \(known: dataset, "),
        ("model=", "has no value"),
        ("seed=99", "matches no cell"),
        ("model=vae,model=beta_va", "model=beta_va matches no cell of the grid; did you mean 'beta_vae'"),
        ("strength=four", "strength=four matches no cell"),
        ("model=vae,strength=4", "matches no cell"),
    ],
)
def test_mistakes_are_sentences(cells, wanted, words):
    with pytest.raises(ValueError, match=words):
        select(cells, wanted)


def test_a_selection_leaves_pack_ids_and_the_rest_of_the_plan_alone(cells, tmp_path):
    arguments = {"results": tmp_path / "r", "data_dir": tmp_path, "device": "cpu"}
    whole = make_plan(tmp_path / "g.yaml", **arguments)
    part = make_plan(tmp_path / "g.yaml", **arguments, select_cells="seed=0-2,model=vae", limit=4)
    assert part.cells_left == 4
    assert [pack.id for pack in part.packs] == [pack.id for pack in whole.packs]
    assert {work.pack.id for work in part.works} <= {pack.id for pack in whole.packs}
    assert {cell.model for work in part.works for cell in work.cells} == {"vae"}


def test_a_selected_part_is_a_whole_run(tiny_grid, tmp_path, data_dir):
    words = ["run", str(tiny_grid), "--results", str(tmp_path / "r"), "--data-dir", str(data_dir)]
    words += ["--executor", "inline", "--cpus", "1"]
    part = CliRunner().invoke(main, [*words, "--select", "seed=1"])
    assert part.exit_code == 0, part.output
    assert "0 done, 3 to do (3 not selected)" in part.output
    assert "3 of 6 cells done, 0 failed, 3 missing." in part.output
    whole = CliRunner().invoke(main, words)
    assert "3 done, 3 to do\n" in whole.output
    assert "6 of 6 cells done" in whole.output
