"""A network as C: every activation and kind of layer, by the strictest of compilers' rules."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

import fastbp
from interchange_networks import activated, all_activations, all_layers, model_of, samples_for

GCC = shutil.which("gcc")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
needs_gcc = pytest.mark.skipif(GCC is None, reason="gcc is not there")


def compiled(sources, folder):
    """A library of C files."""
    target = folder / "library.so"
    subprocess.run([GCC, *FLAGS, "-O1", "-shared", "-fPIC", "-o", target, *sources, "-lm"], check=True, cwd=folder)
    return ctypes.CDLL(str(target))


def predictions(function, model, x):
    number = ctypes.c_float if model.dtype == "float32" else ctypes.c_double
    y = np.empty((len(x), model.output_shape[-1]), model.dtype)
    for row, out in zip(x, y, strict=True):
        function(row.ctypes.data_as(ctypes.POINTER(number)), out.ctypes.data_as(ctypes.POINTER(number)))
    return y


def by_numpy(model, activation, x):
    """The output of ``activated(activation)``, by the activation's formula in float64: that compiles nothing."""
    kernel, bias, last, last_bias = (w.astype("float64") for w in model.get_weights())
    return activation(activation(x @ kernel + bias) @ last + last_bias)


def check(models, folder, expected=lambda name, model, x: model.predict(x, verbose=0)):
    """Export all, compile them once, and compare."""
    for i, model in enumerate(models.values()):
        model.export_c(folder / f"model_{i}.c", name=f"predict_{i}")
    library = compiled([f"model_{i}.c" for i in range(len(models))], folder)
    for i, (name, model) in enumerate(models.items()):
        x = samples_for(name, dtype=model.dtype)
        tolerance = 1e-5 if model.dtype == "float32" else 1e-12
        found = predictions(getattr(library, f"predict_{i}"), model, x)
        np.testing.assert_allclose(found, expected(name, model, x), tolerance, tolerance, err_msg=name)


@needs_gcc
def test_every_activation(tmp_path):
    known = all_activations()
    models = {name: activated(activation) for name, activation in known.items()}
    check(models, tmp_path, lambda name, model, x: by_numpy(model, known[name], x.astype("float64")))


@needs_gcc
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer(tmp_path, dtype):
    check({name: model_of(layers, dtype) for name, layers in all_layers(dtype).items()}, tmp_path)


@needs_gcc
def test_a_program_of_its_own(tmp_path):
    """The header serves C++ and C; the sizes are in it, and no function allocates."""
    model = model_of([fastbp.Dense(7, "relu"), fastbp.Dense(3, "softmax")])
    model.export_c(tmp_path / "net.c")
    text = (tmp_path / "net.c").read_text()
    assert "alloc" not in text.replace("allocates nothing", "") and text.count("#include <") == 1
    main = """#include <stdio.h>
#include "net.h"
int main(void) {
    float x[PREDICT_INPUTS] = {1, 2, 3, 4, 5, 6}, y[PREDICT_OUTPUTS];
    predict(x, y);
    for (int i = 0; i < PREDICT_OUTPUTS; i++) printf("%.9g\\n", (double)y[i]);
    return 0;
}
"""
    (tmp_path / "main.c").write_text(main)
    subprocess.run([GCC, *FLAGS, "-o", "main", "main.c", "net.c", "-lm"], check=True, cwd=tmp_path)
    printed = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    np.testing.assert_allclose(list(map(float, printed.split())), model.predict([[1, 2, 3, 4, 5, 6]], verbose=0)[0], 1e-5)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("net.cpp",), "end in .c"),
        (("net.c", "2nd"), "name"),
        (("net.c", "while"), "name"),
        (("net.c", "dense"), "name"),
        (("net.c", "f(); evil"), "name"),
    ],
)
def test_bad_arguments(tmp_path, arguments, part):
    with pytest.raises(ValueError, match=part):
        model_of([fastbp.Dense(1)]).export_c(tmp_path / arguments[0], *arguments[1:])
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_not_built(tmp_path):
    with pytest.raises(ValueError, match="export_c needs a built model"):
        fastbp.Sequential([fastbp.Dense(1)]).export_c(tmp_path / "net.c")


def test_paths_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="path must lie in a folder that is there"):
        model_of([fastbp.Dense(1)]).export_c(tmp_path / "no" / "net.c")
    (tmp_path / "net.c").mkdir()
    with pytest.raises(IsADirectoryError, match="path must be the path of a file"):
        model_of([fastbp.Dense(1)]).export_c(tmp_path / "net.c")
    assert [path.name for path in tmp_path.iterdir()] == ["net.c"]
