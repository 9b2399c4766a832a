"""A cluster on this machine, and what is done to its workers."""

import os
import signal
import threading
import time
import warnings
from contextlib import contextmanager

from fastbp.callbacks import LambdaCallback

WORKERS = 2


@contextmanager
def local_cluster():
    """A client of two workers, processes of their own with a thread each, which share the folder of compiled kernels."""
    import distributed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries behind it
        cluster = distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        )
        client = distributed.Client(cluster)
    try:
        yield client
    finally:
        client.close()
        cluster.close()


def whole(client):
    """Wait until a worker that was killed has been replaced; on a busy machine its keeper may give up, and there is another."""
    try:
        client.wait_for_workers(WORKERS, timeout=30)
    except TimeoutError:
        client.cluster.scale(len(client.cluster.worker_spec) + 1)
        client.wait_for_workers(WORKERS, timeout=120)
    return client


def kill_one(client):
    """Kill the process of a worker, as the machine's end would."""
    (pid, *_) = client.run(os.getpid).values()
    os.kill(pid, signal.SIGKILL)


def killing(client, in_round, after=0.05):
    """A callback that has a worker killed in the midst of a round, and a list that grows when it has been done."""
    done = []

    def begin(epoch, logs=None):
        if epoch == in_round and not done:
            pids = list(client.run(os.getpid).values())
            timer = threading.Timer(after, lambda: (os.kill(pids[0], signal.SIGKILL), done.append(time.time())))
            timer.start()

    return LambdaCallback(on_epoch_begin=begin), done


class InOrder:
    """An executor that is none of concurrent.futures': it calls a function when its result is asked for."""

    def __init__(self, workers):
        self._max_workers = workers

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def submit(self, function, *arguments):
        return Late(lambda: function(*arguments))


class Late:
    def __init__(self, result):
        self.result = result

    def cancel(self):
        pass
