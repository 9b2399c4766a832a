"""The face of every metric: its state, its settings, and the variables of one's own."""

import json

import numpy as np
import pytest

import fastbp
from fastbp import metrics
from paths import name_of

NEEDED = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "MeanMetricWrapper": {"fn": metrics.mean_squared_error},
}
CLASSES = sorted(
    name
    for name, kind in vars(metrics).items()
    if isinstance(kind, type) and issubclass(kind, metrics.Metric) and kind is not metrics.Metric
)


def made(kind, **more):
    return getattr(metrics, kind)(**NEEDED.get(kind, {}), **more)


def data(name):
    if name in ("Mean", "Sum"):
        return ([1.0, 2.0, 5.0],)
    if "Sparse" in name:
        return [1, 0, 1], [[0.2, 0.8], [0.4, 0.6], [0.3, 0.7]]
    if name in ("IoU", "MeanIoU"):
        return [1, 0, 1], [1, 1, 1]
    return [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], [[0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]


@pytest.mark.parametrize("name", CLASSES)
def test_state(name):
    """What is added is remembered until it is reset, and a call does both."""
    metric = made(name)
    empty = np.asarray(metric.result())
    metric.update_state(*data(name))
    once = np.asarray(metric.result())
    assert np.array_equal(metric.result(), once)  # reading changes nothing
    metric.update_state(*data(name))
    assert metric.variables and np.isfinite(once).all()
    twice = [variable.numpy() for variable in metric.variables]
    metric.reset_state()
    assert all(not variable.numpy().any() for variable in metric.variables)
    after = np.asarray(metric.result(), float)
    assert np.array_equal(after, empty) or after.shape == once.shape
    assert np.array_equal(metric(*data(name)), once)
    metric(*data(name))
    assert all(np.array_equal(a, b.value) for a, b in zip(twice, metric.variables, strict=True))


@pytest.mark.parametrize("name", CLASSES)
def test_weights_of_one_change_nothing_and_of_zero_leave_out(name):
    first = data(name)
    plain, ones = made(name), made(name)
    plain.update_state(*first)
    ones.update_state(*first, sample_weight=np.ones(3))
    np.testing.assert_allclose(ones.result(), plain.result(), rtol=1e-15)
    left_out, short = made(name), made(name)
    left_out.update_state(*first, sample_weight=[1.0, 1.0, 0.0])
    short.update_state(*(part[:2] for part in first))
    np.testing.assert_allclose(left_out.result(), short.result(), rtol=1e-15)


@pytest.mark.parametrize("name", CLASSES)
def test_settings_make_an_equal_metric(name):
    metric = made(name, name="mine", dtype="float64")
    written = json.loads(json.dumps(metrics.serialize(metric)))
    assert written["class_name"] == name and written["config"]["name"] == "mine" and written["config"]["dtype"] == "float64"
    again = metrics.deserialize(written)
    assert type(again) is type(metric) and again.name == "mine" and again.dtype == "float64"
    assert again.get_config() == metric.get_config()
    assert np.array_equal(again(*data(name)), metric(*data(name)))
    assert metrics.get(written).get_config() == metric.get_config()


def test_settings_that_are_not_the_default_survive():
    for metric in (
        metrics.AUC(30, "PR", "minoring", thresholds=[0.5, 0.25], multi_label=True, num_labels=2, label_weights=[1, 2]),
        metrics.AUC(None, from_logits=True),
        metrics.Precision([0.2, 0.4], top_k=2, class_id=1),
        metrics.BinaryAccuracy(threshold=0.25),
        metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics.FBetaScore("micro", 2.0, 0.5),
        metrics.R2Score(None, 2),
        metrics.BinaryIoU([1], 0.25),
        metrics.SparseTopKCategoricalAccuracy(2, from_sorted_ids=True),
    ):
        assert metrics.deserialize(metrics.serialize(metric)).get_config() == metric.get_config()


def test_functions_by_name():
    assert metrics.serialize(metrics.hinge) == "hinge"
    assert metrics.get("huber") is metrics.huber  # which has no class
    assert isinstance(metrics.get("hinge"), metrics.Hinge)
    assert metrics.get(metrics.hinge) is metrics.hinge
    assert metrics.get(None) is None

    def mine(y_true, y_pred):
        return y_pred

    written = metrics.serialize(metrics.MeanMetricWrapper(mine, name="its_mean"))
    again = metrics.deserialize(written, custom_objects={"mine": mine})
    assert again.name == "its_mean" and again([[0.0]], [[3.0]]) == 3.0
    assert metrics.deserialize("mine", custom_objects={"mine": mine}) is mine
    with pytest.raises(ValueError, match="'mine'"):
        metrics.deserialize(written)


@pytest.mark.parametrize("given", ["AUC", "auc", "Auc", "precision_at_recall"])
def test_names_in_any_spelling(given):
    if given == "precision_at_recall":
        with pytest.raises(TypeError, match="recall"):
            metrics.get(given)
    else:
        assert type(metrics.get(given)) is metrics.AUC


@pytest.mark.parametrize(
    ("bad", "text"), [({}, "class_name"), ({"class_name": 3}, "class_name"), ("nothing_like_it", "must be one of")]
)
def test_bad_settings(bad, text):
    with pytest.raises(ValueError, match=text):
        metrics.deserialize(bad)
    with pytest.raises(TypeError, match="must be a Metric or a function, got 3"):
        metrics.serialize(3)


def test_dtype():
    assert metrics.AUC().dtype == "float32"
    assert metrics.AUC(dtype=np.float64).dtype == "float64"
    assert metrics.MeanIoU(2).dtype == "int32"


# ------------------------------------------------------------------------------------------------------------- variables


def variable(initializer="zeros", shape=(2,), **rest):
    return metrics.Metric(name="some").add_variable(shape, initializer, **rest)


def test_variables_are_used_like_arrays():
    v = variable()
    assert v.assign([1.0, 2.0]) is v and v.assign_add(1).assign_sub([0.5, 0.0]) is v
    assert v.numpy().tolist() == v.value.tolist() == np.asarray(v).tolist() == [1.5, 3.0]
    assert (
        (v + v).tolist() == (2 * v).tolist() == [3.0, 6.0]
        and (1 - v).tolist() == [-0.5, -2.0]
        and (v > 2).tolist() == [False, True]
    )
    assert v[1] == 3 and len(v) == 2 and v.shape == (2,) and np.sum(v) == 4.5 and np.maximum(v, 2).tolist() == [2.0, 3.0]
    assert fastbp.sqrt(variable("ones", ())) == 1 and float(variable("ones", ())) == 1.0 and int(variable("ones", ())) == 1
    assert "shape=(2,)" in repr(v)
    v.numpy()[0] = 7
    assert v[0] == 1.5


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        ("zeros", 0),
        ("ones", 1),
        (None, 0),
        (3.0, 3),
        (lambda shape, dtype: np.full(shape, 2.0), 2),
        (fastbp.initializers.get("ones"), 1),
    ],
    ids=name_of,
)
def test_what_a_variable_begins_with(initializer, expected):
    assert variable(initializer).numpy().tolist() == [expected] * 2
    assert variable(initializer, 2).shape == (2,) and variable(initializer, ()).shape == ()


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float32", np.float64), ("float16", np.float64), ("int32", np.int64), ("bool", np.bool_)]
)
def test_variables_are_wide(dtype, kind):
    v = variable(dtype=dtype)
    assert v.dtype == dtype and v.value.dtype == kind


def test_mistakes_with_variables():
    with pytest.raises(ValueError, match=r"value must have the shape of the variable None, \(2,\), got \(3,\)"):
        variable().assign([1, 2, 3])
    with pytest.raises(TypeError, match="name='total'"):
        metrics.Metric(name="some").add_weight("total")
    with pytest.raises(ValueError, match="initializer must be"):
        variable("zeroes")

    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_weight()

    with pytest.raises(RuntimeError, match=r"Forgetful.__init__ must call super\(\).__init__\(\)"):
        Forgetful()
    for method in ("update_state", "result"):
        with pytest.raises(NotImplementedError, match=method):
            getattr(metrics.Metric(name="none"), method)()
