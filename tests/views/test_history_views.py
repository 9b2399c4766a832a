"""A history to look at: as a DataFrame, a picture, a table in a notebook."""

import math
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import pyplot

from fastbp import Dense, History, Sequential
from fastbp.views.html import CURVE_HEIGHT, CURVE_WIDTH, curve


def fitted():
    x = np.linspace(-1, 1, 50)
    model = Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    return model.fit(x[:, None], x**2, epochs=5, initial_epoch=2, validation_split=0.2, verbose=0)


def recorded(*logs):
    history = History()
    for epoch, entry in enumerate(logs):
        history.append(epoch, entry)
    return history


def test_a_frame_has_a_row_for_each_epoch():
    history = fitted()
    frame = history.to_frame()
    assert list(frame.index) == [2, 3, 4] == history.epoch and frame.index.name == "epoch"
    assert {name: list(frame[name]) for name in frame} == history.history
    assert list(frame) == list(history.history)


def test_a_frame_has_nan_where_an_epoch_has_no_value():
    frame = recorded({"loss": 3.0}, {"loss": 2.0, "val_loss": 5.0}, {"loss": 1.0}, {"loss": 0.5, "val_loss": 4.0}).to_frame()
    assert frame["val_loss"].dropna().to_dict() == {1: 5.0, 3: 4.0}
    assert frame["loss"].tolist() == [3.0, 2.0, 1.0, 0.5]


def test_a_frame_takes_what_somebody_else_has_put_there():
    history = recorded({"loss": 2.0}, {"loss": 1.0})
    history.history["seconds"] = [0.1]
    assert history.to_frame()["seconds"].dropna().to_dict() == {0: 0.1}


def test_a_frame_of_no_epochs_is_empty():
    assert len(History().to_frame()) == 0


def drawn(history, path=None):
    """For each panel its title, its scale, and of each line the label and the points."""
    axes = history.plot(path)
    found = [
        (panel.get_title(), panel.get_yscale(), {line.get_label(): line.get_xydata().tolist() for line in panel.lines})
        for panel in axes
    ]
    pyplot.close(axes[0].figure)
    return found


def test_a_picture_shows_losses_metrics_and_the_rate():
    history = recorded(
        {"auc": 0.5, "loss": 4.0, "learning_rate": 0.1},
        {"auc": 0.75, "loss": 0.1, "val_loss": 0.5, "learning_rate": 0.1},
        {"auc": 0.9, "loss": 0.01, "learning_rate": 0.05},
    )
    assert drawn(history) == [
        ("loss", "log", {"training": [[1, 4.0], [2, 0.1], [3, 0.01]], "validation": [[2, 0.5]]}),
        ("auc", "linear", {"training": [[1, 0.5], [2, 0.75], [3, 0.9]]}),
        ("learning rate", "linear", {"training": [[1, 0.1], [2, 0.1], [3, 0.05]]}),
    ]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 0.5], "linear"),
        ([1.0, 1e-3], "log"),
        ([1.0, 1e-3, 0.0], "linear"),
        ([1.0, -1e-3], "linear"),
        ([1.0, math.inf, 1e-3, math.nan], "log"),
        ([math.nan, math.nan], "linear"),
        ([0.3], "linear"),
    ],
)
def test_the_scale_is_logarithmic_where_numbers_span_decades(values, scale):
    ((_, found, _),) = drawn(recorded(*({"loss": value} for value in values)))
    assert found == scale


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (5, 2, 3), (7, 3, 3)])
def test_panels_fill_the_picture(count, rows, columns):
    axes = recorded({f"metric_{i}": 1.0 for i in range(count)}).plot()
    grid = axes[0].get_subplotspec().get_gridspec()
    assert len(axes) == len(axes[0].figure.axes) == count and (grid.nrows, grid.ncols) == (rows, columns)
    pyplot.close(axes[0].figure)


@pytest.mark.parametrize(("ending", "first"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_saved(tmp_path, ending, first):
    drawn(recorded({"loss": 1.0}, {"loss": 0.5}), tmp_path / f"curves.{ending}")
    assert (tmp_path / f"curves.{ending}").read_bytes().startswith(first)


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="at least one epoch"):
        History().plot()


@pytest.mark.parametrize(
    ("package", "call", "told"), [("matplotlib", "plot", r"fastbp\[plot\]"), ("pandas", "to_frame", "pandas")]
)
def test_what_must_be_installed_is_named(monkeypatch, package, call, told):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=told):
        getattr(recorded({"loss": 1.0}), call)()


def test_a_notebook_shows_a_table():
    text = recorded({"loss": 2.0, "a<b": 0.25}, {"loss": 1.0, "a<b": 0.5}, {"loss": 1.5, "a<b": math.nan})._repr_html_()
    root = ElementTree.fromstring(f"<div>{text}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    assert rows[1:] == [
        ["loss", "", "2", "1.5", "1 (epoch 2)", "2 (epoch 1)"],
        ["a<b", "", "0.25", "nan", "0.25 (epoch 1)", "0.5 (epoch 2)"],
    ]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
    assert History()._repr_html_() == "<p>History of 0 epochs</p>"


@pytest.mark.parametrize("count", [1, 2, 1000, 100_000])
def test_a_curve_is_small_and_within_its_picture(count):
    text = curve([float(i % 7) for i in range(count)])
    points = [tuple(map(float, pair.split(","))) for pair in re.search('points="([^"]*)"', text)[1].split()]
    assert all(0 <= x <= CURVE_WIDTH and 0 <= y <= CURVE_HEIGHT for x, y in points) and len(points) < 600
