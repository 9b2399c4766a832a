"""Files that are no models, and models' files that were altered: each is refused with the reason, and takes no memory."""

import json
import os
import pickle
import resource
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, ModelFileError, Sequential
from fastbp.saving import container
from fastbp.saving.container import read_file, write_file
from kept_models import X, trained

safetensors = pytest.importorskip("safetensors.numpy")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "model.keras"
    trained("custom loss").save(path)
    return path.read_bytes()


def parts(data):
    """The header, and what comes after it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def made(header, rest, checksum=True):
    """A file of a header and arrays, with a checksum that is right."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + rest
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little") if checksum else data


def refused(path, data, match="."):
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=match) as caught:
        fastbp.load_model(path)
    assert str(path) in str(caught.value)


# ------------------------------------------------------------------------------------------------- the container


def test_safetensors_reads_it_and_nothing_is_lost(tmp_path):
    rng = np.random.default_rng(0)
    dtypes = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
    shapes = [(), (3,), (0, 4), (2, 3, 1), (7, 5)]
    arrays = {f"{d}{i}": (rng.normal(size=s) * 9).astype(d) for d in dtypes for i, s in enumerate(shapes)}
    arrays["transposed"] = rng.normal(size=(4, 3)).T
    arrays["special"] = np.array([np.nan, -0.0, np.inf, 5e-324])
    write_file(str(tmp_path / "a"), arrays, {"fastbp": "1", "text": 'é"\n'})
    found = read_file(str(tmp_path / "a"))
    assert found.metadata == {"fastbp": "1", "text": 'é"\n'}
    theirs = safetensors.load_file(tmp_path / "a")
    assert theirs.pop("checksum").tobytes() == zlib.crc32((tmp_path / "a").read_bytes()[:-4]).to_bytes(4, "little")
    for read in (found.arrays, theirs):
        assert read.keys() == arrays.keys()
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype and read[name].shape == array.shape
            assert read[name].tobytes() == array.tobytes()
            assert read[name].flags.aligned or not array.size


def test_the_whole_of_a_header_that_is_too_large_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_HEADER", 1000)
    with pytest.raises(ValueError, match="at most 1000 bytes"):
        write_file(str(tmp_path / "a"), {}, {"text": "x" * 1001})
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("way", ["disk", "interrupt", "rename"])
def test_what_goes_wrong_while_writing_leaves_the_file_from_before(way, tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    path.write_bytes(b"before")

    def fail(*arguments):
        raise KeyboardInterrupt if way == "interrupt" else OSError(28, "No space left on device")

    monkeypatch.setattr(*{"disk": (os, "fsync"), "interrupt": (container, "write_all"), "rename": (os, "replace")}[way], fail)
    with pytest.raises(KeyboardInterrupt if way == "interrupt" else OSError, match=None if way == "interrupt" else "m.keras"):
        trained("sgd", epochs=1).save(path)
    assert os.listdir(tmp_path) == ["m.keras"] and path.read_bytes() == b"before"


def test_a_link_stays_one(tmp_path):
    (tmp_path / "folder").mkdir()
    os.symlink(tmp_path / "folder" / "m", tmp_path / "link")
    Sequential([Input((2,)), Dense(1)]).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "folder" / "m").is_file()


# ------------------------------------------------------------------------------------------------ what is no model


def test_paths_that_are_none(tmp_path):
    model = Sequential([Input((2,)), Dense(1)])
    for path in (tmp_path, f"{tmp_path}/new/", ""):
        with pytest.raises(IsADirectoryError, match="filepath must be the path of a file, got the folder"):
            model.save(path)
    for save in (model.save, model.save_weights):
        with pytest.raises(FileNotFoundError, match="filepath must lie in a folder that is there"):
            save(tmp_path / "none" / "m")
    for read in (fastbp.load_model, model.load_weights):
        with pytest.raises(ModelFileError, match="is a folder"):
            read(tmp_path)
        with pytest.raises(FileNotFoundError, match="filepath must be a file that is there"):
            read(tmp_path / "none")
        with pytest.raises(TypeError, match="filepath must be a path"):
            read(None)
    with pytest.raises(ModelFileError, match="is no regular file"):
        fastbp.load_model("/dev/null")
    assert not os.listdir(tmp_path)


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "file"
    np.savez(path.with_suffix(".npz"), a=np.ones(3))
    np.save(path.with_suffix(".npy"), np.ones(3))
    safetensors.save_file({"a": np.ones(3)}, tmp_path / "other")
    refused(path, b"", "is an empty file")
    refused(path, path.with_suffix(".npz").read_bytes(), "is a zip archive, as .npz files are: numpy.load")
    refused(path, path.with_suffix(".npy").read_bytes(), "numpy.load reads it")
    refused(path, pickle.dumps({"a": 1}, protocol=4), "pickle.load reads it")
    refused(path, b'{"class_name": "Sequential"}', "model_from_json")
    refused(path, b"\x1f\x8b\x08" + bytes(20), "gzip")
    refused(path, b"just a text, which is longer than eight bytes", "is not a model file of fastbp")
    refused(path, b"short", "is not a model file")
    refused(path, (tmp_path / "other").read_bytes(), "fastbp has not written it")
    write_file(str(path), {}, {"format": "pt"})
    refused(path, path.read_bytes(), "fastbp has not written it")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.txt", "1")
    refused(path, path.read_bytes(), "is a zip archive")


# ------------------------------------------------------------------------------------------------------ altered files


def test_versions_and_settings(tmp_path, good):
    header, rest = parts(good)
    path = tmp_path / "m"

    def with_metadata(**changes):
        return made({**header, "__metadata__": {**header["__metadata__"], **changes}}, rest)

    refused(path, with_metadata(format="2", fastbp="9.9"), "has the format '2', of fastbp 9.9; this fastbp reads format '1'")
    refused(path, with_metadata(content="forest"), "this fastbp reads files of model")
    refused(path, with_metadata(content="ensemble"), "fastbp.Ensemble.load reads it")
    refused(path, with_metadata(settings="[" * 100_000), "has settings that cannot be read")
    refused(path, with_metadata(settings="{}"), "not those of a model")
    settings = json.loads(header["__metadata__"]["settings"])

    def with_settings(**changes):
        return with_metadata(settings=json.dumps({**settings, **changes}))

    path.write_bytes(with_settings())
    fastbp.load_model(path)
    training, random = settings["training"], settings["random"]
    refused(path, with_settings(kind="tree"), "no model can be made")
    refused(path, with_settings(class_name="os.system"), "of the class 'os.system'")
    refused(path, with_settings(weights=settings["weights"][::-1]), "weights must be those of the layers")
    refused(path, with_settings(training={**training, "steps": -1}), "counts of steps")
    refused(path, with_settings(training={**training, "steps": 1 << 70}), "counts of steps")
    refused(path, with_settings(training={**training, "running_products": [1]}), "running products")
    refused(path, with_settings(training={**training, "slots": 1}), "2 arrays for each weight, got 1")
    refused(path, with_settings(random={**random, "weights": {"bit_generator": "MT19937"}}))
    refused(path, with_settings(config={**settings["config"], "layers": settings["config"]["layers"][1:]}), "what the input is")
    compiled = settings["compiled"]
    refused(path, with_settings(compiled={**compiled, "trained": [True]}), "a flag for each layer")
    refused(path, with_settings(compiled={**compiled, "optimizer": {"class_name": "Popen", "config": {}}}), "optimizer must be")
    layers = json.loads(json.dumps(settings["config"]))
    layers["layers"][1]["config"]["units"] = 10**12
    refused(path, with_settings(config=layers), "weights must be those of the layers")


def test_headers_that_lie_about_sizes(tmp_path, good):
    header, rest = parts(good)
    path, name = tmp_path / "m", next(name for name in header if name.startswith("weights/"))
    entry = header[name]
    first, stop = entry["data_offsets"]
    for change in (
        {"shape": [1 << 40, 1 << 40]},
        {"shape": [-1, -1]},
        {"shape": [True] * 3},
        {"shape": entry["shape"] + [1] * 40},
        {"shape": "6,9"},
        {"dtype": "BF16"},
        {"dtype": "object"},
        {"dtype": ["F32"]},
        {"data_offsets": [first, stop + 4]},
        {"data_offsets": [first - 4, stop - 4]},
        {"data_offsets": [1 << 60, (1 << 60) + stop - first]},
        {"data_offsets": [stop, first]},
        {"data_offsets": None},
    ):
        refused(path, made({**header, name: {**entry, **change}}, rest), "damaged|cut off")
    for wrong in ([], None, 3, {"__metadata__": header["__metadata__"]}, {**header, name: 1}, {**header, "__metadata__": 1}):
        refused(path, made(wrong, rest))
    refused(path, made(b'{"a":1,"a":2}', rest), "twice")
    refused(path, made(b"\xff\xfe", rest), "cannot be read")
    refused(path, made(b"[" * 100_000, rest), "cannot be read")
    refused(path, (1 << 62).to_bytes(8, "little") + good[8:], "is not a model file of fastbp")
    refused(path, good[:-1], "cut off")
    refused(path, good[: len(good) // 2])
    refused(path, good + b"\0", "cut off, or damaged")


def formula_of(settings):
    return settings["compiled"]["loss"]["config"]["graphs"][0]["nodes"]


@pytest.mark.parametrize(
    ("node", "match"),
    [
        (["element", [0], 1 << 40], "an element must be one of"),
        (["element", [0], -1], "whole numbers"),
        (["slice", [0], [0, 99]], "a slice must lie"),
        (["exec", [], "import os"], "operator that there is"),
        (["add", [0], None], "operator that there is"),
        (["neg", [10_000], None], "one of the nodes before"),
        (["input", [], "other"], "other"),
        (["captured", [], ["x"]], "."),
        (["stack", [0] * 1000, None], "operator that there is"),
        (["constant", [], 10**400], "."),
        (["add", [0, 0], None, 1], "."),
        ("neg", "."),
    ],
)
def test_formulas_that_are_none(node, match, tmp_path, good):
    header, rest = parts(good)
    settings = json.loads(header["__metadata__"]["settings"])
    formula_of(settings).append(node)
    header["__metadata__"]["settings"] = json.dumps(settings)
    refused(tmp_path / "m", made(header, rest), match)


@contextmanager
def memory_cap(more):
    """Within it the process may take so many bytes more than it has."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def mutated(data, rng):
    """A file that was altered in one of many ways."""
    data, way = bytearray(data), rng.integers(9)
    length = int.from_bytes(data[:8], "little")
    where = int(rng.integers(len(data) if way % 2 else 8 + length))
    if way <= 1:
        data[where] ^= 1 << int(rng.integers(8))
    elif way == 2:
        for place in rng.integers(0, len(data), rng.integers(1, 20)):
            data[place] = rng.integers(256)
    elif way == 3:
        del data[where:]
    elif way == 4:
        del data[where : where + int(rng.integers(1, 50))]
    elif way == 5:
        data[where:where] = rng.bytes(int(rng.integers(1, 50)))
    elif way == 6:
        data[:8] = int(rng.integers(2**63)).to_bytes(8, "little")
    elif way == 7:
        other = int(rng.integers(len(data)))
        data[where], data[other] = data[other], data[where]
    else:
        digits = [i for i in range(8, 8 + length) if chr(data[i]).isdigit()]
        data[int(rng.choice(digits))] = ord(str(rng.integers(10)))
    return bytes(data)


def with_right_checksum(data):
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")


def fuzz(path, good, count, seed):
    rng, loaded = np.random.default_rng(seed), 0
    path.write_bytes(good)
    wanted = fastbp.load_model(path).predict(X)
    with memory_cap(1 << 30):
        for i in range(count):
            data = mutated(good, rng)
            signed = i % 2 == 1  # by somebody who knows how
            path.write_bytes(with_right_checksum(data) if signed else data)
            try:
                model = fastbp.load_model(path)
            except ModelFileError:
                continue
            loaded += 1
            assert signed or data == good
            output = model.predict(X[:, : model.input_shape[1]])
            assert signed or output.tobytes() == wanted.tobytes()
    return loaded


@pytest.mark.filterwarnings("ignore")
def test_altered_files(tmp_path, good):
    fuzz(tmp_path / "m", good, 1000, 0)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["custom loss", "formulas", "nested", "direct"])
def test_many_altered_files(name, tmp_path):
    trained(name).save(tmp_path / "good")
    assert fuzz(tmp_path / "m", (tmp_path / "good").read_bytes(), 5000, 1) > 10
