"""A user's data set whose images cannot be had, for tests of what a run makes of that."""

from bench.data.base import Dataset


class BROKEN(Dataset):
    name = "broken"
    factor_names = ("a", "b")
    factor_sizes = (40, 40)
    image_shape = (64, 64, 1)

    def __init__(self, folder):
        pass

    def tables(self):
        raise RuntimeError("the disk with the images is on holiday")
