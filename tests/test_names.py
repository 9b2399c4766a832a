"""Keras's names are there, or say what to use instead; what is not used is not imported."""

import importlib
import subprocess
import sys

import pytest

import fastbp
from fastbp import absent

MODULES = {
    "": absent.TOP,
    "layers": absent.LAYERS,
    "models": absent.MODELS,
    "optimizers": absent.OPTIMIZERS,
    "losses": absent.LOSSES,
    "initializers": absent.INITIALIZERS,
    "regularizers": absent.REGULARIZERS,
    "constraints": {},
    "utils": absent.UTILS,
    "backend": absent.BACKEND,
    "config": absent.CONFIG,
    "random": absent.RANDOM,
    "datasets": absent.DATASETS,
}
LAZY = ("backend", "config", "datasets", "ops", "random", "utils")


def module_of(name):
    return importlib.import_module(f"fastbp.{name}" if name else "fastbp")


ABSENT = [(module, name) for module, names in MODULES.items() for name in names if not hasattr(module_of(module), name)]


@pytest.mark.parametrize(("module", "name"), ABSENT)
def test_a_name_that_is_not_there_says_what_to_use(module, name):
    """By an attribute and by an import, which shows the sentence too."""
    where = f"fastbp.{module}".rstrip(".")
    sentence = MODULES[module][name]
    with pytest.raises(AttributeError) as caught:
        getattr(module_of(module), name)
    assert str(caught.value) == f"{where}.{name} is not there: {sentence}"
    with pytest.raises(ImportError) as caught:
        exec(f"from {where} import {name}")
    assert str(caught.value) == f"{where}.{name} is not there: {sentence}"
    assert name not in dir(module_of(module))


def test_there_are_absent_names_in_each_module():
    assert {module for module, _ in ABSENT} >= {"", "layers", "optimizers", "losses", "utils", "backend", "datasets"}


@pytest.mark.parametrize("module", [*MODULES, "ops"])
def test_a_name_that_is_nothing(module):
    where = f"fastbp.{module}".rstrip(".")
    with pytest.raises(AttributeError, match=f"module '{where}' has no attribute 'nothing'"):
        _ = module_of(module).nothing
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec(f"from {where} import nothing")


@pytest.mark.parametrize("module", sorted({*MODULES, *LAZY} - {""}))
def test_all_is_there(module):
    names = module_of(module).__all__
    assert [name for name in names if not hasattr(module_of(module), name)] == []
    assert sorted(set(names)) == sorted(names)
    assert set(names) <= set(dir(module_of(module)))


@pytest.mark.parametrize(
    "module",
    [
        *("", "layers", "optimizers", "losses", "initializers", "regularizers", "constraints"),
        *("utils", "backend", "config", "random"),
    ],
)
def test_every_name_of_keras(module):
    """Each is there or explained: none ends in a bare error."""
    keras = pytest.importorskip("keras")
    theirs = importlib.import_module(f"keras.{module}" if module else "keras")
    names = [name for name in dir(theirs) if not name.startswith("_") and name not in NOT_FOR_USERS]
    unknown = [name for name in names if not hasattr(module_of(module), name) and name not in MODULES.get(module, {})]
    assert unknown == []
    assert keras.__version__


NOT_FOR_USERS = {"src"}


def test_names_by_which_modules_are_used():
    from fastbp import backend as K
    from fastbp.optimizers.schedules import ExponentialDecay
    from fastbp.utils import to_categorical

    keras = fastbp
    keras.backend.clear_session()
    assert keras.utils.to_categorical is to_categorical and keras.optimizers.schedules.ExponentialDecay is ExponentialDecay
    assert K.epsilon() == 1e-7 and K.floatx() == "float32" and keras.config.backend() == "fastbp"
    assert isinstance(keras.losses.get("mse"), keras.Loss) and isinstance(keras.optimizers.get("adam"), keras.Optimizer)
    assert isinstance(keras.initializers.get("zeros"), keras.Initializer) and isinstance(keras.layers.Dense(1), keras.Layer)


def test_an_import_of_fastbp_imports_no_more_than_it_needs():
    code = "import sys, fastbp; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    parts = {name.split(".")[1] for name in loaded if name.startswith("fastbp.")}
    assert parts.isdisjoint({*LAZY, "graph", "fitting"} - {"config"})
    assert {"numba", "numpy.random", "tqdm"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fastbp.config.set_floatx("float16"), "'float32' or 'float64', got 'float16'"),
        (lambda: fastbp.config.set_epsilon(1e-5), "1e-07"),
        (lambda: fastbp.config.set_image_data_format("channels_first"), "channels_last"),
    ],
)
def test_settings_that_cannot_be(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_settings_that_change_nothing():
    c = fastbp.config
    c.set_epsilon(1e-7)
    c.set_image_data_format("channels_last")
    for function in (c.enable_interactive_logging, c.disable_interactive_logging, c.disable_traceback_filtering):
        assert function() is None
    assert c.is_interactive_logging_enabled() and not c.is_traceback_filtering_enabled() and c.dtype_policy() == "float32"
