"""The data: points near a line. Preparing a batch is what workers are for."""

import random

SLOPE, OFFSET = 3.0, -1.0


class Points:
    """A map-style dataset: it has a length, and a point for each index."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        noise = random.Random(index)
        x = noise.uniform(-1.0, 1.0)
        y = SLOPE * x + OFFSET + noise.gauss(0.0, 0.05)
        return x, y


def collate(points):
    """A batch as the model wants it: all the x, all the y."""
    xs, ys = zip(*points)
    return list(xs), list(ys)
