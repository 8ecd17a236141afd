"""A user's data sets, for tests of what grids and runs make of them."""

from bench.data.base import Dataset


class BROKEN(Dataset):
    """Its images cannot be had."""

    name = "broken"
    factor_names = ("a", "b")
    factor_sizes = (40, 40)
    image_shape = (64, 64, 1)

    def __init__(self, folder):
        pass

    def tables(self):
        raise RuntimeError("the disk with the images is on holiday")


class OBLONG(BROKEN):
    """Its images are not square."""

    image_shape = (64, 48, 1)


class SMALL(BROKEN):
    """Twelve images of an odd size, which fill no grid."""

    image_shape = (24, 24, 1)
    size = 12


class UNKNOWN(SMALL):
    """How many images it has is only known once it is opened."""

    size = property(lambda self: 3)
