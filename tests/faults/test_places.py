"""Places that cannot be written, and disks that are full. Permissions and limits are the system's own here, for root too."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Sequential
from fastbp.callbacks import BackupAndRestore, ModelCheckpoint
from fastbp.kernels.simd import disk_cache
from paths import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="by means that Linux has")

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X[:, :1].copy()

FORMULAS = """
import os, sys, warnings
import numpy as np
for place in sys.argv[1:]:
    if os.access(place, os.W_OK):
        sys.exit(77)
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    import fastbp
    for k in range(1, 4):
        assert fastbp.grad(lambda w: fastbp.sum(w**k))(np.full(3, 2.0)).tolist() == [k * 2.0 ** (k - 1)] * 3
"""
MODEL = """
    x = np.ones((8, 3), "float32")
    model = fastbp.Sequential([fastbp.Dense(4, "tanh"), fastbp.Dense(1)], seed=0)
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(x, x[:, :1], verbose=0).history["loss"]).all()
"""
SAY = """
print(fastbp.__file__, len(seen))
"""
LIBC = ctypes.CDLL(None)
DROP, MAY_WRITE_ANYWHERE = 24, 1  # PR_CAPBSET_DROP and CAP_DAC_OVERRIDE of Linux


def bind_root():
    """Before a program of root begins: file permissions hold for it too."""
    LIBC.prctl(DROP, MAY_WRITE_ANYWHERE, 0, 0, 0)


@contextmanager
def read_only(*places):
    """Folders in which nobody may write, nor in those below."""
    below = [path for place in places for path in (place, *place.rglob("*"))]
    modes = {path: path.stat().st_mode for path in below}
    try:
        for path in below:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def warnings_of(script, package, folder, *arguments, **settings):
    """How many warnings a script gives that runs in a folder, with a package and settings of the environment of its own."""
    others = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**others, "PYTHONPATH": str(package), **settings},
        preexec_fn=bind_root if os.geteuid() == 0 else None,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("permissions do not bind here")
    assert done.returncode == 0, done.stderr
    where, count = done.stdout.split()
    assert where == str(package / "fastbp" / "__init__.py")
    return int(count)


def test_an_install_and_a_home_that_cannot_be_written(tmp_path):
    """One warning, that nothing is kept; and nothing is."""
    package, home = tmp_path / "package", tmp_path / "home"
    shutil.copytree(ROOT / "fastbp", package / "fastbp", ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    before = set(tmp_path.rglob("*"))
    with read_only(package, home):
        assert warnings_of(FORMULAS + SAY, package, home, package, home, HOME=str(home)) == 1
    assert set(tmp_path.rglob("*")) == before


def test_kernels_in_a_folder_that_cannot_be_written_are_used(tmp_path):
    """As those of an image that was warmed up. What else is compiled costs one warning."""
    made = Sequential([Dense(4, "tanh"), Dense(1)])
    made.compile("adam", "mse")
    made.fit(X, Y, verbose=0)  # its kernels are on disk from here on
    cache = tmp_path / "cache"
    kept = shutil.ignore_patterns("graph_*")
    shutil.copytree(disk_cache.directory(), cache / "fastbp", ignore=kept)
    (cache / "fastbp").chmod(0o700)
    with read_only(cache):
        folder = {"NUMBA_CACHE_DIR": str(cache)}
        assert (
            warnings_of(FORMULAS.replace("for k in range(1, 4):", "for k in ():") + MODEL + SAY, ROOT, cache, cache, **folder)
            == 0
        )
        assert warnings_of(FORMULAS + SAY, ROOT, cache, cache, **folder) == 1


# ------------------------------------------------------------------------------------------------- full disks


@contextmanager
def files_of_at_most(size):
    """No file of this process may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def model():
    net = Sequential([Dense(40, "tanh"), Dense(1)], seed=0)
    net.compile("adam", "mse")
    net.build((None, 3))
    return net


SAVERS = {
    "save": ("m.keras", lambda net, path: net.save(path)),
    "save_weights": ("m.weights.h5", lambda net, path: net.save_weights(path)),
    "export_c": ("m.c", lambda net, path: net.export_c(path)),
    "export_onnx": ("m.onnx", lambda net, path: net.export_onnx(path)),
}


@pytest.mark.parametrize("name", SAVERS)
def test_a_file_that_does_not_fit_leaves_the_one_from_before(name, tmp_path):
    if name == "export_onnx":
        pytest.importorskip("onnx")
    file, save = SAVERS[name]
    net, path = model(), tmp_path / file
    save(net, path)
    before = {one: one.read_bytes() for one in tmp_path.iterdir()}
    net.fit(X, Y, verbose=0)
    with files_of_at_most(500), pytest.raises(OSError, match=f"File too large: '{path}'"):
        save(net, path)
    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == before
    save(net, path)
    assert path.read_bytes() != before[path]


def test_a_fit_whose_files_do_not_fit(tmp_path):
    """It ends with the error; the model goes on, and so does another process from the last backup."""
    net, other = model(), model()
    path, folder = tmp_path / "m.keras", tmp_path / "backup"
    for saving in (ModelCheckpoint(path), BackupAndRestore(folder, delete_checkpoint=False)):
        with files_of_at_most(500), pytest.raises(OSError, match="File too large"):
            net.fit(X, Y, epochs=3, verbose=0, callbacks=[saving])
        assert not [one for one in tmp_path.rglob("*") if one.is_file()]
    assert net.optimizer.iterations == 2 * 2 and net.history.epoch == [0]
    other.fit(X, Y, epochs=1, verbose=0)
    other.fit(X, Y, epochs=1, verbose=0)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(net.get_weights(), other.get_weights(), strict=True))


FULL = """
import errno, os, sys
import numpy as np, fastbp

x = np.ones((8, 3), "float32")
model = fastbp.Sequential([fastbp.Dense(300, "tanh"), fastbp.Dense(1)], seed=0)
model.compile("adam", "mse")
model.fit(x, x[:, :1], verbose=0)
os.chdir(sys.argv[1])
small = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(1)])
small.save("m.keras")
before = open("m.keras", "rb").read()
try:
    model.save("m.keras")
except OSError as error:
    assert error.errno == errno.ENOSPC and error.filename == "m.keras"
    assert os.listdir() == ["m.keras"] and open("m.keras", "rb").read() == before
    print("full")
"""


def on_a_small_disk(place, size, command, **settings):
    """Run a program that sees a disk of so many kilobytes at ``place``; nobody else does."""
    mount = f'mount -t tmpfs -o size={size}k,mode=700 small "{place}" || exit 77; exec "$@"'
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    try:
        done = subprocess.run(
            [*unshare, "sh", "-c", mount, "sh", *command], capture_output=True, text=True, check=False, **settings
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no disk can be mounted here")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_disk_without_room_for_a_model(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert on_a_small_disk(tmp_path, 16, [sys.executable, "-c", FULL, tmp_path], env=environment) == "full\n"


def test_a_disk_without_room_for_compiled_code(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    where, count = on_a_small_disk(tmp_path, 4, [sys.executable, "-c", FORMULAS + SAY], env=environment).split()
    assert Path(where) == Path(fastbp.__file__) and int(count) == 1
