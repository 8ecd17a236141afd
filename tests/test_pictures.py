import numpy as np
import pandas as pd
import torch
from problems import SETTINGS, members, problem

from bench import artifacts
from bench.pictures import TRAVERSED, pictures
from bench.problem import start
from bench.running import run


def test_pictures_are_what_the_network_says():
    given = problem("beta_vae", precision="float32")
    state = start(given, members(given, SETTINGS["beta_vae"][:1]))
    index = np.arange(20)[::-1]
    drawn = pictures(given, state.parameters, index)
    assert drawn["images"].shape == drawn["reconstructions"].shape == (8, 8, 8, 1)
    assert drawn["traversals"].shape == (3, 11, 8, 8, 1)
    expected = given.images.batch(torch.tensor([19, 18])).permute(0, 2, 3, 1)
    assert np.abs(drawn["images"][:2] - 255 * expected.numpy()).max() <= 0.5
    named = given.network.layout.split(state.parameters)
    mean, _ = given.network.encode(named, given.images.batch(torch.tensor([[19]])))
    moved = mean.clone()
    moved[0, 0, 2] = TRAVERSED[4]
    pixels = 255 * given.network.decode(named, moved).sigmoid()[0, 0].permute(1, 2, 0)
    assert np.abs(drawn["traversals"][2, 4] - pixels.detach().numpy()).max() <= 0.5


def test_the_first_seed_of_each_setting_keeps_pictures(tiny_grid, tmp_path, data_dir):
    run(tiny_grid, results=tmp_path, data_dir=data_dir, executor="inline", cpus=1)
    cells = pd.read_parquet(tmp_path / "tiny" / "scores").drop_duplicates("cell_id")
    for cell in cells.itertuples():
        kept = artifacts.read_pictures(tmp_path / "tiny" / "pictures", cell.cell_id)
        assert set(kept) == ({"images", "reconstructions", "traversals"} if cell.seed == 0 else set())
        assert all(picture.dtype == np.uint8 for picture in kept.values())
    assert sum(cells["seed"] == 0) == 3
