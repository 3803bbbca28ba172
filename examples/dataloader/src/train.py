"""Fits y = slope * x + offset by gradient descent to batches that worker processes load."""

import argparse

from loader import Loader
from points import Points


def fit(loader, epochs, rate=0.2):
    slope, offset = 0.0, 0.0
    for epoch in range(epochs):
        for xs, ys in loader:
            errors = [slope * x + offset - y for x, y in zip(xs, ys)]
            slope -= rate * 2 * sum(error * x for error, x in zip(errors, xs)) / len(xs)
            offset -= rate * 2 * sum(errors) / len(xs)
        print(f"epoch {epoch}: y = {slope:.2f} x + {offset:.2f}", flush=True)
    return slope, offset


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--epochs", type=int, default=2)
    wanted = arguments.parse_args()
    fit(Loader(Points(512), batch_size=16, workers=wanted.workers), wanted.epochs)
