"""Batches that worker processes prepare, in order: what `torch.utils.data.DataLoader(num_workers=N)` does."""

import multiprocessing

from points import collate


class Loader:
    """Starts its workers anew for each epoch, as PyTorch does."""

    def __init__(self, dataset, batch_size, workers):
        self.dataset = dataset
        self.batch_size = batch_size
        self.workers = workers

    def __iter__(self):
        indices = range(len(self.dataset))
        batches = [indices[start:start + self.batch_size] for start in indices[::self.batch_size]]
        with multiprocessing.Pool(self.workers) as pool:
            yield from pool.imap(self._load, batches)

    def _load(self, indices):
        points = [self.dataset[index] for index in indices]
        batch = collate(points)
        return batch
