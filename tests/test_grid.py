import hashlib
import json
from pathlib import Path

import pytest

from bench.grid import GridError, load_grid, shipped_grids
from bench.settings import MODEL_SETTINGS

ROOT = Path(__file__).parent.parent


def load(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return load_grid(path, data_dir=tmp_path / "nothing")


SMALL = "datasets: [dsprites]\nmodels: {beta_vae: {beta: 4}}\n"


def test_the_study_is_twelve_thousand_six_hundred_different_cells(tmp_path):
    sources = dict.fromkeys(["smallnorb", "cars3d", "shapes3d"], "rendered:1")
    grid = load_grid("locatello", data_dir=tmp_path, sources=sources)
    assert len(grid.cells) == 12_600
    assert len({cell.id for cell in grid.cells}) == 12_600
    per_model = {cell.model: cell.training.steps for cell in grid.cells}
    assert per_model["factor_vae"] == 150_000
    assert set(per_model.values()) == {150_000, 300_000}
    first = grid.cells[0].training
    assert (first.architecture, first.latent_dim, first.batch_size) == ("conv_64", 10, 64)
    assert first.learning_rate == 1e-4
    dip = next(cell for cell in grid.cells if cell.model == "dip_vae_i").settings
    assert dip.lambda_d_factor == 10.0


def test_shipped_grids_are_found_by_name_and_all_load(tmp_path):
    assert {"quickstart", "dsprites-lite", "locatello"} <= set(shipped_grids())
    assert len(load_grid("quickstart", data_dir=tmp_path).cells) >= 24


def test_the_lite_grid_is_the_studys_on_rendered_dsprites_with_fewer_seeds_and_steps(tmp_path):
    lite, study = (load_grid(name, data_dir=tmp_path) for name in ("dsprites-lite", "locatello"))
    of_study = {cell.settings.model_dump_json() for cell in study.cells}
    assert {cell.settings.model_dump_json() for cell in lite.cells} == of_study
    assert len(lite.cells) == 6 * 6 * 5
    assert lite.sources == {"dsprites": "rendered:1"}
    assert {cell.training.steps for cell in lite.cells} == {100_000}
    assert lite.settings.evaluation == study.settings.evaluation


def test_left_out_settings_are_the_studys(tmp_path):
    grid = load(tmp_path, SMALL)
    (cell,) = grid.cells
    assert grid.study == "mine"
    assert (cell.seed, cell.training.steps, cell.settings.beta) == (0, 300_000, 4.0)
    assert grid.settings.evaluation.representations == ["mean"]


def test_lists_sweep_and_several_multiply(tmp_path):
    grid = load(
        tmp_path,
        "datasets: [dsprites]\nmodels: {annealed_vae: {c_max: [5, 10], gamma: [1, 2, 3]}}\nseeds: [3, 8]",
    )
    points = [(cell.settings.c_max, cell.settings.gamma, cell.seed) for cell in grid.cells]
    assert len(points) == len(set(points)) == 12
    assert points[:3] == [(5, 1, 3), (5, 1, 8), (5, 2, 3)]


def test_the_id_is_the_hash_of_what_changes_the_weights(tmp_path):
    (cell,) = load(tmp_path, SMALL).cells
    identity = {
        "dataset": "dsprites",
        "source": "rendered:1",
        "model": "beta_vae",
        "settings": {
            "reconstruction": "bernoulli", "reconstruction_scale": 1.0, "reconstruction_weight": 1.0,
            "beta": 4.0,
        },
        "seed": 0,
        "training": {
            "architecture": "conv_64", "latent_dim": 10, "batch_size": 64, "steps": 300000,
            "learning_rate": 0.0001, "learning_rate_end": None, "precision": "float32",
        },
        "version": 1,
    }  # fmt: skip
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    assert cell.id == hashlib.sha256(text.encode()).hexdigest()[:16] == "4ae2159a0e0a32eb"


@pytest.mark.parametrize(
    "other",
    [
        SMALL.replace("4", "4.0"),
        SMALL + "study: other\n",
        SMALL + "evaluation: {metrics: [mig]}\n",
        SMALL + "storage: {weights: false}\n",
        SMALL + "training: {steps: 300_000, learning_rate: 1e-4}\n",
    ],
)
def test_what_does_not_change_weights_does_not_change_the_id(tmp_path, other):
    assert load(tmp_path, other).cells[0].id == load(tmp_path, SMALL).cells[0].id


@pytest.mark.parametrize(
    "other",
    [
        SMALL.replace("4", "4.5"),
        SMALL + "seeds: [1]\n",
        SMALL + "training: {steps: 299_999}\n",
        SMALL + "training: {precision: float64}\n",
        SMALL.replace("dsprites", "dsprites_quick"),
        SMALL.replace("beta_vae", "beta_tc_vae"),
    ],
)
def test_what_changes_weights_changes_the_id(tmp_path, other):
    assert load(tmp_path, other).cells[0].id != load(tmp_path, SMALL).cells[0].id


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("datasets: [dsprites]\nmodels: {beta_vae: {beta: 4}\n", 3, "not YAML"),
        (SMALL + "trainin: {}\n", 3, "unknown key 'trainin' in the grid; did you mean 'training'?"),
        (SMALL + "training:\n  step: 5\n", 4, "did you mean 'steps'?"),
        ("datasets: [dsprites]\nmodels: {beta_va: {beta: 4}}\n", 2, "did you mean 'beta_vae'?"),
        ("datasets: [dsprite]\nmodels: {beta_vae: {beta: 4}}\n", 1, "dsprites"),
        (SMALL + "evaluation:\n  metrics: [mig, dcii]\n", 4, "dci"),
        (SMALL + "evaluation:\n  metrics: [dci@trees]\n", 4, "study"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae: {betta: 4}\n", 3, "did you mean 'beta'?"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae: {}\n", 3, "models.beta_vae.beta is missing"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae:\n    beta: []\n", 4, "empty list"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae:\n    beta: [1, 1]\n", 4, "twice"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae: {beta: four}\n", 3, "got 'four'"),
        ("datasets: [dsprites]\nmodels:\n  beta_vae: {beta: -1}\n", 3, "greater than or equal to 0, got -1"),
        (SMALL + "datasets: [cars3d]\n", 3, "given before, in line 1"),
        (SMALL + "seeds: 0\n", 3, "at least 1"),
        (SMALL + "seeds: [1, 1]\n", 3, "twice"),
        ("datasets: [dsprites, dsprites]\nmodels: {beta_vae: {beta: 4}}\n", 1, "twice"),
        (SMALL + "seeds: no\n", 3, "got 'no'"),
        (SMALL + "seeds: 1_000_000_001\n", None, "1,000,000,001 cells; a study holds at most 1,000,000"),
        (
            f"datasets: [dsprites]\nmodels:\n  annealed_vae: {{c_max: {[*range(1, 1025)]}, "
            f"gamma: {[*range(1, 1025)]}}}\n",
            3,
            "more than 1,000,000 combinations",
        ),
        (SMALL + "evaluation:\n  images: 737281\n", 4, "images is 737,281, but dsprites has 737,280"),
        (
            "datasets:\n- dsprites\n- 'own_data:OBLONG'\nmodels: {beta_vae: {beta: 4}}\n",
            3,
            "conv_64 takes images of 64×64 pixels, but own_data:OBLONG has 64×48: they must be square",
        ),
        (
            "datasets: ['own_data:SMALL']\nmodels: {vae: {training: {architecture: dense_16}}}\n",
            1,
            "dense_16 takes images of 16×16 pixels, but own_data:SMALL has 24×24",
        ),
        (
            "datasets: ['own_data:SMALL']\nmodels: {vae: {training: {architecture: dense_8}}}\n"
            "evaluation: {images: 13}\n",
            3,
            "evaluation.images is 13, but own_data:SMALL has 12",
        ),
        (SMALL + "evaluation:\n  metrics: [{}]\n", 4, "must be a name such as dci@study"),
        (SMALL + "training: {steps: 0}\n", 3, "greater than or equal to 1, got 0"),
        (SMALL + "training: {steps: -5}\n", 3, "got -5"),
        (SMALL + "training: {batch_size: 0}\n", 3, "got 0"),
        (SMALL + "training: {latent_dim: 0}\n", 3, "got 0"),
        (SMALL + "training: {steps: 1.5}\n", 3, "valid integer, got 1.5"),
        (SMALL + "training: {learning_rate: true}\n", 3, "valid number, got True"),
        (SMALL + "training: {precision: float16}\n", 3, "float16"),
        (SMALL + "study: ../escape\n", 3, "got '../escape'"),
        ("models: {beta_vae: {beta: 4}}\n", None, "datasets is missing"),
        ("datasets: []\nmodels: {beta_vae: {beta: 4}}\n", 1, "at least 1 item"),
        ("- a\n- b\n", None, "a grid is a mapping"),
        ("", None, "a grid is a mapping"),
    ],
)
def test_each_mistake_is_a_sentence_with_its_line(tmp_path, text, line, words):
    with pytest.raises(GridError) as caught:
        load(tmp_path, text)
    (mistake,) = caught.value.mistakes
    assert mistake.line == line
    assert words in mistake.sentence
    assert "\n" not in str(caught.value)


def test_a_file_of_another_encoding_is_a_sentence_with_its_name(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("# Größe\n".encode("latin-1") + SMALL.encode())
    with pytest.raises(GridError, match=r"mine.yaml: this is no text in UTF-8 \(byte 4 is 0xf6\)"):
        load_grid(path)


def test_what_suits_a_data_set_is_no_mistake(tmp_path):
    enough = "evaluation: {images: 48600}\n"
    assert load(tmp_path, SMALL.replace("dsprites", "smallnorb") + enough)
    text = "datasets: ['own_data:SMALL', 'own_data:UNKNOWN']\nmodels: {vae: {}}\n"
    assert load(tmp_path, text + "training: {architecture: dense_8}\nevaluation: {images: 12}\n")


def test_all_mistakes_are_told_at_once_in_order(tmp_path):
    text = "datasets: [dsprites]\nmodels:\n  beta_va: {beta: 4}\n  dip_vae_i: {lambda: 1}\nstep: 10\n"
    with pytest.raises(GridError) as caught:
        load(tmp_path, text + "evaluation: {metrics: [gim]}\n")
    assert [mistake.line for mistake in caught.value.mistakes] == [3, 4, 5, 6]


def test_a_missing_grid_names_the_nearest_shipped_one():
    with pytest.raises(GridError, match="no such grid file; did you mean 'quickstart'"):
        load_grid("quickstrat")


def test_a_short_annealing_is_a_warning_that_says_what_it_changes(tmp_path):
    grid = load(
        tmp_path, "datasets: [dsprites]\nmodels: {annealed_vae: {c_max: 5}}\ntraining: {steps: 25_000}\n"
    )
    assert len(grid.warnings) == 1
    assert "25% of c_max" in grid.warnings[0]


def test_a_users_own_model_brings_its_settings_and_its_source_enters_the_id(tmp_path):
    text = "datasets: [dsprites]\nmodels: {'own_model:SCALED': {weight: [1, 2]}}\n"
    cells = load(tmp_path, text).cells
    assert [cell.settings.strength for cell in cells] == [1.0, 2.0]
    source = Path(__file__).with_name("own_model.py").read_bytes()
    assert cells[0].identity()["code"] == hashlib.sha256(source).hexdigest()[:16]
    with pytest.raises(GridError, match="own_model:MISSING cannot be loaded"):
        load(tmp_path, text.replace("SCALED", "MISSING"))


def test_every_model_setting_has_a_sentence():
    for settings in MODEL_SETTINGS.values():
        assert settings.__doc__
        for name, field in settings.model_fields.items():
            assert field.description, name
            assert field.description.rstrip().endswith("."), name


def test_every_model_has_an_objective_and_settings_under_one_name():
    from bench.models import MODELS

    assert set(MODELS) == set(MODEL_SETTINGS)


def test_real_and_rendered_never_share_an_id(tmp_path):
    path = tmp_path / "g.yaml"
    path.write_text("datasets: [dsprites]\nmodels: {beta_vae: {beta: 4}}\n")
    ids = {
        source: load_grid(path, data_dir=tmp_path, sources={"dsprites": source}).cells[0].id
        for source in ("real", "rendered:1", "rendered:2")
    }
    assert len(set(ids.values())) == 3
