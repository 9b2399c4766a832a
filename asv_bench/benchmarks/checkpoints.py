"""What keeping a model after each epoch costs."""

import os
import statistics
import tempfile
import time

from fastbp.callbacks import ModelCheckpoint

from .common import SMOKE, own, unit


class Timed(ModelCheckpoint):
    """Knows how long it took."""

    seconds = 0.0

    def _save(self, *arguments):
        start = time.perf_counter()
        super()._save(*arguments)
        self.seconds += time.perf_counter() - start


class Checkpoint:
    """A file after each epoch of `higgs`, which is 200 steps here; in memory, so that no disk is measured. The aim is 5 %."""

    def setup(self):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.peer = own("higgs")

    def teardown(self):
        self.folder.cleanup()

    @unit("% of an epoch")
    def track_share(self):
        peer, saving, shares = self.peer, Timed(os.path.join(self.folder.name, "model.keras")), []
        settings = {"batch_size": peer.w.batch, "verbose": 0, "threads": peer.w.threads, "check_finite": False}
        for _ in range(2 if SMOKE else 15):
            saving.seconds, start = 0.0, time.perf_counter()
            peer.model.fit(peer.x, peer.y, callbacks=[saving], **settings)
            seconds = time.perf_counter() - start
            shares.append(100 * saving.seconds / (seconds - saving.seconds))
        return statistics.median(shares)
