import numpy as np
import pytest

import bench
from bench.data import open_dataset
from bench.metrics import mig
from bench.rows import Rows

CHOSEN = ["mig", "unsupervised"]


def brightness_and_position(images):
    """Codes of an image: how much of it is bright, and the centre of that."""
    weight = images[..., 0]
    mass = weight.sum(axis=(1, 2))
    rows, columns = np.arange(weight.shape[1]), np.arange(weight.shape[2])
    down, across = (weight.sum(axis=2) * rows).sum(axis=1), (weight.sum(axis=1) * columns).sum(axis=1)
    return np.stack([mass, across / mass, down / mass], axis=1)


def test_an_encoder_is_scored_on_the_rows_of_a_studys_cells(data_dir):
    shapes = []

    def encoder(images):
        shapes.append((images.shape[1:], images.dtype, images.min(), images.max()))
        return brightness_and_position(images)

    frame = bench.score_encoder(encoder, "dsprites_quick", CHOSEN, data=data_dir)
    assert set(shapes) == {((64, 64, 1), np.dtype(np.float32), 0.0, 1.0)}
    dataset = open_dataset("dsprites_quick", "rendered:1", data_dir)
    codes = brightness_and_position(dataset.images(np.arange(dataset.size)).astype(np.float32) / 255)
    want = mig.study(Rows.whole_grid(codes.astype(np.float32), None, dataset), rng=None).values["mig"]
    assert frame.query("metric == 'mig' and estimator == 'study'")["value"].item() == pytest.approx(want)
    assert want > 0.3
    assert set(frame["representation"]) == {"mean"}


def test_a_posterior_is_scored_sampled_too_and_on_fewer_images(data_dir):
    def encoder(images):
        codes = brightness_and_position(images)
        return codes, np.zeros_like(codes)

    frame = bench.score_encoder(encoder, "dsprites_quick", CHOSEN, images=300, data=data_dir)
    assert set(frame["images"]) == {300}
    assert set(frame["representation"]) == {"mean", "sampled"}


@pytest.mark.parametrize(
    "encoder", [lambda x: x, lambda x: x[:3, :4, 0, 0], lambda x: np.full((len(x), 2), np.nan)]
)
def test_what_is_no_codes_is_refused_in_a_sentence(encoder, data_dir):
    with pytest.raises(ValueError, match="it must make finite numbers of shape"):
        bench.score_encoder(encoder, "dsprites_quick", CHOSEN, images=300, data=data_dir)
