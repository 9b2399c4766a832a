"""Summaries, tables and pictures of models."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import fastbp
from fastbp import Adam, Dense, Input, Sequential
from fastbp.engine.work import step_flop
from fastbp.layers import Activation, Flatten
from fastbp.layers.stages import stages_of
from fastbp.models.outline import bytes_text, flop_text

plot_model = fastbp.utils.plot_model
SVG = "{http://www.w3.org/2000/svg}"


def some():
    layers = [Input((2, 3)), Flatten(), Dense(40, "tanh", name="hidden"), Dense(12), Activation("softmax", name="last")]
    return Sequential(layers, name="net")


def lines_of(model, **settings):
    lines = []
    model.summary(print_fn=lines.append, **settings)
    return lines


# --------------------------------------------------------------------------------------------------------- summary


def test_a_summary_has_a_line_for_each_layer_and_what_the_model_costs():
    model = some()
    model.compile("adam", "categorical_crossentropy")
    lines = lines_of(model)
    assert lines[0] == 'Model: "net"' and len(lines) == 2 + 4 + 4
    assert [line.split()[0] for line in lines[2:6]] == ["flatten", "hidden", "dense", "last"]
    assert [line.split()[-1] for line in lines[2:6]] == ["0", "280", "492", "0"]
    assert lines[6:9] == ["Total params: 772 (3.02 KB)", "Trainable params: 772 (3.02 KB)", "Non-trainable params: 0 (0.00 B)"]
    activations = 2 * 32 * (40 + 12 + 12)
    assert lines[9] == (
        f"Training step of 32 samples: {flop_text(32 * (4 * 6 * 40 + 6 * 40 * 12))}, {bytes_text(4 * (772 * 3 + activations))} "
        f"of memory (params 3.02 KB, optimizer 6.03 KB, activations {bytes_text(4 * activations)})"
    )


def test_a_summary_knows_what_an_optimizer_keeps():
    model = Sequential([Input((10,)), Dense(10, use_bias=False)], dtype="float64")
    for optimizer, kept in [("sgd", 0), (fastbp.SGD(0.1, momentum=0.9), 1), ("adagrad", 1), (Adam(amsgrad=True), 3)]:
        model.compile(optimizer, "mse")
        (line,) = [line for line in lines_of(model) if line.startswith("Training step")]
        assert (f"optimizer {bytes_text(800 * kept)}" in line) if kept else "optimizer" not in line


@pytest.mark.parametrize("sizes", [(3, 1), (17, 64, 64, 6), (5, 4, 3, 2, 1)])
@pytest.mark.parametrize("batch", [1, 32])
def test_operations_are_those_of_the_products(sizes, batch):
    """Forward, the gradient of each kernel, and that of each layer's input but the first's."""
    stages = stages_of([Dense(units) for units in sizes[1:]], sizes[0])
    products = [2 * batch * a * b for a, b in zip(sizes, sizes[1:], strict=False)]
    assert step_flop(stages, batch) == sum(products) + sum(products) + sum(products[1:])


def test_a_summary_counts_the_operations_that_a_history_does():
    x = np.ones((320, 6), "float32")
    model = Sequential([Input((6,)), Dense(8, "tanh"), Dense(3)])
    model.compile("sgd", "mse")
    history = model.fit(x, np.ones((320, 3)), verbose=0)
    counted = history.gflops[0] * 1e9 * 320 / history.samples_per_second[0]
    assert counted == pytest.approx(10 * step_flop(stages_of(model.layers, 6), 32))


@pytest.mark.parametrize("length", [50, 76, 120])
def test_a_line_is_as_long_as_it_is_told_to_be(length):
    head, *rows = lines_of(some(), line_length=length)[1:6]
    assert len(head) == length and {len(row) for row in rows} == {length}


def test_positions_say_where_columns_end():
    for positions in ([0.5, 0.7, 0.85, 1.0], [50, 70, 85, 100]):
        head, *rows = lines_of(some(), line_length=100, positions=positions)[1:6]
        assert [head.index(word) for word in ("Output", "Activation")] == [53, 73]
        assert len(head) == 100 and all(len(row) == 100 for row in rows)


def test_positions_for_the_three_columns_of_keras_are_enough():
    head = lines_of(some(), line_length=100, positions=[0.45, 0.80, 1.0])[1]
    assert [head.index(word) for word in ("Output", "Activation", "Params")] == [48, 83, 103]


def test_what_does_not_fit_is_cut():
    lines = lines_of(some(), positions=[12, 24, 36, 44])[1:6]
    assert max(map(len, lines)) == 44 and lines[2].startswith("hidden (De..   ")


@pytest.mark.parametrize("settings", [{"line_length": 5}, {"positions": [0.1, 0.12, 0.13, 1.0], "line_length": 60}])
def test_columns_need_room(settings):
    with pytest.raises(ValueError, match="must leave at least 4 letters"):
        some().summary(**settings)


def test_a_summary_shows_which_layers_learn():
    lines = lines_of(some(), show_trainable=True)
    assert [line.split()[-1] for line in lines[1:6]] == ["Trainable", "-", "yes", "yes", "-"]


@pytest.mark.parametrize(
    ("layer_range", "names"),
    [
        (("hidden", "dense"), ["hidden", "dense"]),
        (["hidden", "last"], ["hidden", "dense", "last"]),
        (("dense", "dense"), ["dense"]),
        (("f.*", "h.*"), ["flatten", "hidden"]),
        (("last", "hidden"), ["hidden", "dense", "last"]),
    ],
)
def test_a_summary_of_some_layers(layer_range, names):
    lines = lines_of(some(), layer_range=layer_range)
    assert [line.split()[0] for line in lines[2 : 2 + len(names)]] == names
    assert lines[2 + len(names)].startswith("Total params: 772 ")


@pytest.mark.parametrize("layer_range", ["hidden", ("hidden",), ("hidden", 3), ("hidden", "nowhere")])
def test_a_range_that_is_none(layer_range):
    with pytest.raises(ValueError, match="layer_range must"):
        some().summary(layer_range=layer_range)


def test_arguments_are_in_the_order_of_keras(capsys):
    lines = []
    some().summary(80, None, lines.append, False, True, ("hidden", "hidden"))
    assert not capsys.readouterr().out and len(lines[1]) >= 70 and "Trainable" in lines[1]


def test_a_summary_of_no_layers_and_of_an_unknown_input():
    assert lines_of(Sequential())[2:] == [
        "Total params: 0 (0.00 B)",
        "Trainable params: 0 (0.00 B)",
        "Non-trainable params: 0 (0.00 B)",
    ]
    lines = lines_of(Sequential([Dense(3), Activation("tanh")]))
    assert lines[-1] == "Total params: ? (not built yet)" and lines[2].split()[-1] == "?"


def test_a_notebook_shows_the_summary_as_a_table():
    model = Sequential([Input((4,)), Dense(3, "tanh", name="a<b>&")], name="<net>")
    root = ElementTree.fromstring(f"<div>{model._repr_html_()}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    assert rows == [["Layer (type)", "Output shape", "Activation", "Params"], ["a<b>& (Dense)", "(None, 3)", "tanh", "15"]]
    text = "".join(root.itertext())
    assert "Model: <net>" in text and all(line in text for line in lines_of(model)[3:])
    assert "not built yet" in Sequential([Dense(1)])._repr_html_()
    assert repr(model) == "<Sequential '<net>': 4-3, float32>"


# --------------------------------------------------------------------------------------------------------- drawing


def boxes(picture):
    """The texts of each box, and where it is: left, top, width, height."""
    found = []
    for group in ElementTree.fromstring(str(picture)).iter(f"{SVG}g"):
        rectangle = group.find(f"{SVG}rect")
        place = [float(rectangle.get(name)) for name in ("x", "y", "width", "height")]
        found.append(([text.text for text in group.iter(f"{SVG}text")], place))
    return found


def test_a_picture_has_a_box_for_the_input_and_each_layer():
    assert [texts for texts, _ in boxes(plot_model(some(), None))] == [
        ["InputLayer"],
        ["Flatten"],
        ["Dense"],
        ["Dense"],
        ["Activation"],
    ]


def test_a_box_tells_what_it_is_asked_to():
    asked = dict.fromkeys(["shapes", "dtype", "layer_names", "layer_activations", "trainable"], True)
    texts = [texts for texts, _ in boxes(plot_model(some(), None, **{f"show_{name}": True for name in asked}))]
    assert texts[0] == ["input (InputLayer)", "out (None, 2, 3)", "float32"]
    assert texts[1] == ["flatten (Flatten)", "in  (None, 2, 3)", "out (None, 6)", "float32"]
    assert texts[2] == ["hidden (Dense)", "tanh", "in  (None, 6)", "out (None, 40)", "float32", "trainable"]


@pytest.mark.parametrize(("rankdir", "axis"), [("TB", 1), ("LR", 0)])
def test_boxes_stand_one_after_another(rankdir, axis):
    picture = plot_model(some(), None, rankdir=rankdir, show_shapes=True)
    places = [place for _, place in boxes(picture)]
    for before, after in zip(places, places[1:], strict=False):
        assert after[axis] > before[axis] + before[2 + axis] + 20
        middles = [place[1 - axis] + place[3 - axis] / 2 for place in (before, after)]
        assert middles[0] == pytest.approx(middles[1], abs=0.2)
    for x, y, width, height in places:
        assert x > 0 and y > 0 and x + width < picture.width and y + height < picture.height
    lines = list(ElementTree.fromstring(str(picture)).iter(f"{SVG}path"))
    assert len(lines) == 4
    for line, before, after in zip(lines, places, places[1:], strict=False):
        numbers = list(map(float, re.findall(r"[\d.]+", line.get("d"))))
        ends = numbers[axis], numbers[len(numbers) - 2 + axis]
        assert ends == pytest.approx((before[axis] + before[2 + axis], after[axis]), abs=0.2)


def nested():
    """A frozen model and a layer after it, in a model."""
    base = Sequential([Input((10,)), Dense(32, "relu"), Dense(16, "relu")], name="base")
    base.trainable = False
    return Sequential([base, Dense(3)], name="outer")


def test_a_model_within_a_model_is_one_line_or_one_for_each_layer():
    def told(**settings):
        lines = lines_of(nested(), show_trainable=True, **settings)
        return [line.split()[0] for line in lines[2:-4]], [line.split()[-1] for line in lines[2:-4]], lines[-4:]

    names, learn, costs = told()
    assert names == ["base", "dense_2"] and learn == ["no", "yes"]
    names, learn, same_costs = told(expand_nested=True)
    assert names == ["base", "dense", "dense_1", "dense_2"] and learn == ["no", "no", "no", "yes"]
    assert costs == same_costs and costs[1:3] == ["Trainable params: 51 (204.00 B)", "Non-trainable params: 880 (3.44 KB)"]


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_frame_is_round_the_layers_of_a_model_within_a_model(rankdir):
    assert [texts for texts, _ in boxes(plot_model(nested(), None))] == [["InputLayer"], ["Sequential"], ["Dense"]]
    picture = plot_model(nested(), None, expand_nested=True, rankdir=rankdir)
    (_, *inside, after), root = (place for _, place in boxes(picture)), ElementTree.fromstring(str(picture))
    _, frame = (r for r in root.findall(f"{SVG}rect"))
    x, y, width, height = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
    assert "base" in [text.text for text in root.findall(f"{SVG}text")] and len(inside) == 2 and x > 0 and y > 30
    for left, top, wide, high in inside:
        assert x < left and left + wide < x + width and y + 15 < top and top + high < y + height
    assert after[0] > x + width if rankdir == "LR" else after[1] > y + height


@pytest.mark.parametrize(("ending", "first"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_picture_of_a_model_is_saved(tmp_path, ending, first):
    picture = plot_model(some(), tmp_path / f"net.{ending}", show_shapes=True)
    assert (tmp_path / f"net.{ending}").read_bytes().startswith(first) and picture._repr_svg_() == str(picture)


def test_a_picture_is_saved_as_svg_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plot_model(some())
    assert [path.name for path in tmp_path.iterdir()] == ["model.svg"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"to_file": "net.jpeg"}, "must end with one of"),
        ({"rankdir": "RL"}, "rankdir must be one of 'TB', 'LR', got 'RL'"),
        ({"show_shapes": 2}, "show_shapes must be"),
    ],
)
def test_a_picture_that_cannot_be_drawn(settings, told):
    with pytest.raises((ValueError, TypeError), match=told):
        plot_model(some(), **{"to_file": None, **settings})


def test_a_model_must_be_built_to_be_drawn():
    with pytest.raises(ValueError, match="model must be built"):
        plot_model(Sequential([Dense(3)]), None)


def test_slopes_that_are_learnt_below_a_layer_need_the_gradient_of_its_input():
    layers = [fastbp.layers.PReLU(), fastbp.Dense(5)]
    assert step_flop(stages_of(layers, 4), 1) == 2 * 4 * 5 * 3
    assert step_flop(stages_of(layers, 4, [False, True]), 1) == 2 * 4 * 5 * 2
