"""The library of vector functions: none is missing in its list, and the list has one order."""

import gc
import importlib
import pkgutil

import pytest

import fastbp.kernels
from fastbp.kernels.functions import further_functions, vector_functions
from fastbp.kernels.simd.library import VectorFunction, selects_by_code, with_called


def package_functions():
    """Every VectorFunction that a module of the kernels made."""
    for module in pkgutil.walk_packages(fastbp.kernels.__path__, "fastbp.kernels."):
        importlib.import_module(module.name)
    made = [f for f in gc.get_objects() if type(f) is VectorFunction]  # to ask isinstance has some objects warn
    return [f for f in made if f.body.__module__.startswith("fastbp.kernels.")]


def listed():
    """The functions of both libraries."""
    return [*vector_functions(), *further_functions()]


def test_no_function_of_the_package_is_missing():
    assert [f.name for f in package_functions() if f not in set(listed())] == []


def test_names_are_different():
    """Code is linked by name: of two functions of one name, either might be called for the other."""
    names = [f.name for f in listed()]
    assert len(set(names)) == len(names)


def test_the_order_is_that_of_the_calls():
    """And so the same in every process, whatever was imported first."""
    places = {f: i for i, f in enumerate(listed())}
    assert all(places[called] < places[f] for f in places for called in f.calls)


def test_called_functions_are_found_once():
    def body(s):
        pass

    leaf = VectorFunction("leaf", 0, body)
    left, right = (VectorFunction(name, 0, body, calls=[leaf, leaf]) for name in ("left", "right"))
    assert with_called([right, left]) == (leaf, right, left)


def test_functions_chosen_by_code_take_the_same_arguments():
    def body(s, *arguments):
        pass

    with pytest.raises(ValueError):
        selects_by_code("choice", {0: VectorFunction("one", 1, body), 1: VectorFunction("two", 2, body)})
