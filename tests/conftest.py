"""What all tests share: how Hypothesis searches, that no test opens a window, and that Ctrl-C reaches every one."""

import os
import signal

from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("KERAS_BACKEND", "torch")

# A script's background jobs begin with Ctrl-C ignored: a test that interrupts a fit would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: the first example of a test may have to compile. On a build machine the examples are always the same.
settings.register_profile("local", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("local"), max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "local"))

# Files that take long, though they have few tests: what compiles kernels anew, scripts, scikit-learn's checks.
LONG = ("test_compilation", "test_checks", "test_progress", "test_examples", "test_forks", "test_surroundings_disk")


def pytest_collection_modifyitems(items):
    """Begin with the long ones, so that at the end no worker waits for the other."""
    items.sort(key=lambda item: item.path.stem not in LONG)
