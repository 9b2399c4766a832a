"""The cache on disk: what was written is found or nothing is, and nothing is read that somebody else can have written."""

import os
import pickle
import stat
import subprocess
import sys
import textwrap
import time
import warnings
from types import SimpleNamespace

import pytest
from numba.core import config

from fastbp.kernels.simd import disk_cache
from fastbp.kernels.simd.sources import KERNELS
from paths import ROOT

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no owners and modes here")
CODEGEN = SimpleNamespace(magic_tuple=lambda: ("triple", "cpu", "+feature"))
DATA = (b"code" * 9, ["name"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where entries are kept; not there yet."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(disk_cache, "_warned", set())
    return tmp_path / "fastbp"


def write(name="kernel", data=DATA):
    disk_cache.write(name, "void(int64)", CODEGEN, data)


def read(name="kernel"):
    return disk_cache.read(name, "void(int64)", CODEGEN)


def written(folder, name="kernel"):
    """The only entry of this name."""
    (path,) = folder.glob(f"{name}-*.bin")
    return path


# ------------------------------------------------------------------------------------------------- what is looked for


def test_what_is_written_is_read(folder):
    assert read() is None and not disk_cache.contains("kernel", "void(int64)", CODEGEN)
    write()
    assert read() == DATA and disk_cache.contains("kernel", "void(int64)", CODEGEN)


@pytest.mark.parametrize(
    ("name", "signature", "cpu", "sources"),
    [
        ("other", "void(int64)", "cpu", KERNELS.stamp),
        ("kernel", "void(int32)", "cpu", KERNELS.stamp),
        ("kernel", "void(int64)", "another", KERNELS.stamp),
        ("kernel", "void(int64)", "cpu", "edited"),
    ],
)
def test_anything_else_is_not_found(folder, name, signature, cpu, sources):
    write()
    codegen = SimpleNamespace(magic_tuple=lambda: ("triple", cpu, "+feature"))
    assert disk_cache.read(name, signature, codegen, SimpleNamespace(stamp=sources)) is None


def test_entries_that_are_not_as_they_were_written(folder, monkeypatch):
    """Any byte changed, any length cut off, something appended, another entry's content: not found, and never unpickled."""
    write()
    write("other", "something else")
    path = written(folder)
    good = path.read_bytes()
    monkeypatch.setattr(pickle, "loads", lambda payload: pytest.fail("unpickled"))
    changed = [good[:i] + bytes([good[i] ^ bit]) + good[i + 1 :] for i in range(len(good)) for bit in (1, 128)]
    for bad in (*changed, *(good[:i] for i in range(len(good))), good + b"\0", written(folder, "other").read_bytes()):
        path.write_bytes(bad)
        assert read() is None
    monkeypatch.undo()


# -------------------------------------------------------------------------------------------------------- who wrote it


@POSIX
@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
@pytest.mark.parametrize("above", [0o700, 0o770, 0o1777])
def test_a_new_folder_is_the_owners_alone(folder, mask, above):
    folder.parent.chmod(above)
    before = os.umask(mask)
    try:
        write()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(written(folder).stat().st_mode) == 0o600
    assert read() == DATA


@POSIX
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o711])
def test_a_folder_that_others_may_only_read(folder, mode):
    write()
    folder.chmod(mode)
    written(folder).chmod(mode & 0o644)
    assert read() == DATA


def check_refused(path, folder, monkeypatch):
    """Nothing is unpickled, and one warning names ``path``."""
    monkeypatch.setattr(pickle, "loads", lambda payload: pytest.fail("unpickled"))
    with pytest.warns(RuntimeWarning, match="executed") as seen:
        assert read() is None
        assert not disk_cache.contains("kernel", "void(int64)", CODEGEN)
        assert read() is None
    assert len(seen) == 1 and repr(str(path)) in str(seen[0].message)


@POSIX
@pytest.mark.parametrize("mode", [0o020, 0o002, 0o022])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_others_may_write_is_not_read(folder, monkeypatch, what, mode):
    write()
    path = folder if what == "folder" else written(folder)
    path.chmod(path.stat().st_mode | mode)
    check_refused(path, folder, monkeypatch)


@POSIX
def test_another_users_cache_is_not_read(folder, monkeypatch):
    """Root's by a user, a user's by root."""
    write()
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    check_refused(folder, folder, monkeypatch)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_belongs_to_somebody_else_is_not_read(folder, monkeypatch, what):
    write()
    path = folder if what == "folder" else written(folder)
    os.chown(path, 12345, -1)
    check_refused(path, folder, monkeypatch)


@POSIX
def test_nothing_is_written_into_a_folder_of_others(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="chmod go-w") as seen:
        write()
        write("other")
    assert len(seen) == 1 and not list(folder.iterdir())


@POSIX
def test_a_file_of_others_in_a_good_folder_is_replaced(folder):
    write()
    written(folder).chmod(0o666)
    with pytest.warns(RuntimeWarning, match="executed"):
        assert read() is None
    write()
    assert read() == DATA


@POSIX
def test_no_owners_and_modes(folder, monkeypatch):
    """As on Windows."""
    write()
    folder.chmod(0o777)
    monkeypatch.delattr(os, "geteuid")
    assert read() == DATA


# ---------------------------------------------------------------------------------------------------------------- room


def age(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_the_least_recently_used_goes_first(folder, monkeypatch):
    for i in range(6):
        write(f"k{i}")
        age(written(folder, f"k{i}"), 1000 - i)
    assert read("k0") == DATA  # which makes it the one used last
    size = written(folder, "k0").stat().st_size
    monkeypatch.setattr(disk_cache, "MAX_CACHE_BYTES", 4 * size)
    write("k6")
    assert [i for i in range(7) if read(f"k{i}") is not None] == [0, 4, 5, 6]


def test_what_dead_processes_left_behind(folder, monkeypatch):
    """Old unfinished files go, young ones count; what is no entry is left alone."""
    write("old")
    age(written(folder, "old"), 100)
    left, young, readme = folder / "a.tmp", folder / "b.tmp", folder / "notes.txt"
    for path in (left, young, readme):
        path.write_bytes(b"x" * 1000)
    age(left, 3700)
    age(readme, 10**6)
    (folder / "below").mkdir()
    write("new")
    assert not left.exists() and young.exists() and read("old") == DATA
    monkeypatch.setattr(disk_cache, "MAX_CACHE_BYTES", 2000 + 2 * written(folder, "new").stat().st_size - 1)
    write("new")
    assert read("old") is None and read("new") == DATA
    assert young.exists() and readme.exists() and (folder / "below").is_dir()


# --------------------------------------------------------------------------------------------------- trouble in writing


def test_a_write_that_fails_costs_one_warning_and_leaves_nothing(folder, monkeypatch):
    def fail(source, target):
        raise OSError(28, "No space left on device", source)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR") as seen:
        write()
        write("other")
    assert len(seen) == 1 and not list(folder.iterdir())


def test_sources_that_cannot_be_read(folder):
    """As in a zip file: nothing tells one version's code from another's, so nothing is kept."""
    sources = SimpleNamespace(stamp="", are_unchanged=lambda: True)
    with pytest.warns(RuntimeWarning, match="sources cannot be read"):
        disk_cache.write("kernel", "void()", CODEGEN, DATA, sources)
    assert disk_cache.read("kernel", "void()", CODEGEN, sources) is None


def run(script, cache, *options):
    """In a process of its own, which may fork and die."""
    head = """
    import os, sys
    from types import SimpleNamespace
    from fastbp.kernels.simd import disk_cache
    CODEGEN = SimpleNamespace(magic_tuple=lambda: ())
    """
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *options, "-c", textwrap.dedent(head) + textwrap.dedent(script)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("end", ["sys.stderr.close()", "sys.stderr = None", "os.close(2)"])
def test_no_standard_error_for_the_warning(end, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    done = run(f"{end}\ndisk_cache.write('kernel', '', CODEGEN, 1)\nprint(disk_cache.read('kernel', '', CODEGEN))", blocked)
    assert (done.returncode, done.stdout) == (0, "None\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_process_that_dies_at_any_moment(tmp_path):
    """At each line of the module that a write runs through: what was there before is found, or what is new; no mixture."""
    script = """
    def die_at(moment):
        left = [moment]
        def trace(frame, event, argument):
            if frame.f_code.co_filename != disk_cache.__file__:
                return None
            left[0] -= event == "line"
            if left[0] < 0:
                os._exit(1)
            return trace
        return trace

    moment, found = 0, []
    while True:
        child = os.fork()
        if child == 0:
            sys.settrace(die_at(moment))
            disk_cache.write("kernel", "", CODEGEN, list(range(moment)))
            sys.settrace(None)
            os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found.append(disk_cache.read("kernel", "", CODEGEN))
        assert found[-1] in (found[-2] if moment else None, list(range(moment))), found
        if not died:
            break
        moment += 1
    assert found[0] is None and found[-1] == list(range(moment)) and moment > 20, found
    for entry in os.scandir(disk_cache.directory()):
        if entry.name.endswith(".tmp"):
            os.utime(entry.path, (0, 0))
    disk_cache.write("kernel", "", CODEGEN, 0)
    assert len(os.listdir(disk_cache.directory())) == 1
    """
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_many_processes_at_once(tmp_path):
    """They write, read and drop the same entries: each finds the right content or none, and nobody complains."""
    script = """
    import warnings
    disk_cache.MAX_CACHE_BYTES = 50_000
    def work(seed):
        warnings.simplefilter("error")
        hits = 0
        for i in range(150):
            k = (7 * i + seed) % 11
            found = disk_cache.read(f"k{k}", "", CODEGEN)
            assert found in (None, [k] * 3000)
            hits += found is not None
            if found is None or i % 3 == 0:
                disk_cache.write(f"k{k}", "", CODEGEN, [k] * 3000)
        return hits
    children = []
    for seed in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            try:
                os._exit(0 if work(seed) else 2)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    names = os.listdir(disk_cache.directory())
    assert names and all(name.endswith(".bin") for name in names), names
    """
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr


def test_warnings_that_are_errors(folder):
    """They are raised once, too, and what caused them goes on without the cache the next time."""
    folder.parent.joinpath("fastbp").write_text("a file where a folder is wanted")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            write()
        write()
        assert read() is None
