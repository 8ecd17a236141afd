import random

from bench.grid import load_grid
from bench.plan import Pack, cut, outstanding, planned_requests
from bench.selection import select


def grid(tmp_path, text: str):
    path = tmp_path / "g.yaml"
    path.write_text(text)
    return load_grid(path, data_dir=tmp_path)


TWO_MODELS = """
datasets: [dsprites, dsprites_quick]
models:
  beta_vae: {beta: [1, 4]}
  factor_vae: {gamma: 6, discriminator: [fc_64x2, fc_1000x6]}
seeds: 5
training: {architecture: dense_8}
"""


def test_a_pack_is_of_one_data_set_one_model_and_one_kind_of_training(tmp_path):
    packs = cut(grid(tmp_path, TWO_MODELS).cells, "cpu")
    for pack in packs:
        assert len({(cell.dataset, cell.model, cell.training) for cell in pack.cells}) == 1
        assert len({getattr(cell.settings, "discriminator", "") for cell in pack.cells}) == 1
        assert len(pack.cells) <= 8
    assert [len(pack.cells) for pack in packs] == [8, 2, 5, 5] * 2


def test_packs_hold_every_cell_once_with_seeds_varying_slowest(tmp_path):
    loaded = grid(tmp_path, "datasets: [dsprites]\nmodels: {vae: {}, beta_vae: {beta: [1, 2]}}\nseeds: 3\n")
    packs = cut(loaded.cells, "cpu")
    assert {cell.id for pack in packs for cell in pack.cells} == {cell.id for cell in loaded.cells}
    assert [len(pack.cells) for pack in packs] == [1] * 9  # the study's network gains nothing from stacking
    found = [(pack.cells[0].settings.strength, pack.cells[0].seed) for pack in packs[3:]]
    assert found == [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]


def test_some_seeds_of_every_setting_are_whole_packs():
    loaded = load_grid("dsprites-lite")
    packs = cut(loaded.cells, "cuda", 12)
    seeds = [sorted({cell.seed for cell in pack.cells}) for pack in packs]
    assert seeds == [[0, 1], [2, 3], [4]] * 6
    chosen = {cell.id for cell in select(loaded.cells, "seed=0-1")}
    works = outstanding(packs, planned_requests(loaded), set(), chosen)
    assert [len(work.todo) for work in works] == [len(work.pack.cells) for work in works] == [12] * 6


def test_a_grid_that_gets_more_seeds_keeps_its_full_packs(tmp_path):
    few, more = (
        {pack.id for pack in cut(grid(tmp_path, TWO_MODELS.replace("seeds: 5", f"seeds: {n}")).cells, "cpu")}
        for n in (4, 8)
    )
    assert len(few & more) == 2  # of each data set: 4 seeds of β-VAE's two values


def test_low_seeds_of_all_settings_come_first_then_what_takes_longest():
    loaded = load_grid("dsprites-lite")
    works = outstanding(cut(loaded.cells, "cuda", 12), planned_requests(loaded), set())
    turns = sorted(works, key=lambda work: work.turn)
    assert [work.cells[0].seed for work in turns] == [0] * 6 + [2] * 6 + [4] * 6
    models = [work.pack.cells[0].model for work in turns]
    assert models[:2] == models[6:8] == ["beta_tc_vae", "factor_vae"]


def test_the_pack_id_is_that_of_its_set_of_cells(tmp_path):
    cells = list(grid(tmp_path, TWO_MODELS).cells[:6])
    shuffled = random.Random(0).sample(cells, 6)
    assert Pack(tuple(cells)).id == Pack(tuple(shuffled)).id != Pack(tuple(cells[:5])).id


def test_only_what_is_not_settled_is_left_and_pack_ids_stay(tmp_path):
    loaded = grid(tmp_path, TWO_MODELS)
    packs, requests = cut(loaded.cells, "cpu"), planned_requests(loaded)
    first, second = packs[0].cells[:2]
    settled = {(first.id, *request) for request in requests} | {(second.id, *requests[0])}
    works = outstanding(packs, requests, settled)
    assert [work.pack.id for work in works] == [pack.id for pack in packs]
    assert first.id not in works[0].todo
    assert works[0].todo[second.id] == tuple(requests[1:])
    assert works[0].cells == list(packs[0].cells[1:])
    everything = {(cell.id, *request) for cell in loaded.cells for request in requests}
    assert outstanding(packs, requests, everything) == []
