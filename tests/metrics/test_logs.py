"""Metrics of a pass: counted by the kernels or computed from outputs, in the order of training, with weights, in batches."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastbp import Dense, losses, metrics, optimizers
from fastbp.engine.engine import Engine
from fastbp.layers.stages import stages_of
from fastbp.metrics.logs import BLOCK
from fastbp.scaled_sums import Scaled, Targets

RNG = np.random.default_rng(0)
N = 50


def resolved(given, loss="mse", units=1, weighted=None):
    return [found.resolve(losses.get(loss), units) for found in metrics.get_all(given, weighted)]


def measured(found, p, y, loss="mse", sample_weight=None, batch_size=None):
    """The logs of a network whose outputs are its inputs."""
    units = p.shape[1]
    engine = Engine(stages_of([Dense(units)], units), "float64")
    engine.configure(optimizers.SGD(), losses.get(loss))
    engine.set_weights([np.eye(units), np.zeros(units)])
    weighted = sample_weight is not None
    keep = metrics.needs_outputs(found, weighted)
    epoch = engine.evaluate(p, y, metrics.to_count(found, weighted), keep_outputs=keep)
    return metrics.epoch_logs(epoch, found, Targets(y), sample_weight, batch_size)


def kept(p, order=None, loss=0.25):
    return SimpleNamespace(loss=loss, statistics=None, outputs=p, order=order, samples=len(p))


BINARY = RNG.integers(0, 2, (N, 1)).astype(float)
SCORES = np.round(0.3 * BINARY + 0.7 * RNG.uniform(size=(N, 1)), 3)


def test_counted_and_computed_beside_each_other():
    given = [
        "mae",
        metrics.AUC(name="auc"),
        "accuracy",
        metrics.BinaryAccuracy(name="low", threshold=0.3),
        metrics.F1Score(threshold=0.5),
    ]
    logs = measured(resolved(given), SCORES, BINARY)
    assert list(logs) == ["loss", "mae", "auc", "accuracy", "low", "f1_score"]
    assert logs == {
        "loss": pytest.approx(np.mean((SCORES - BINARY) ** 2)),
        "mae": pytest.approx(np.mean(np.abs(SCORES - BINARY))),
        "auc": metrics.AUC()(BINARY, SCORES),
        "accuracy": np.mean((SCORES > 0.5) == BINARY),
        "low": np.mean((SCORES > 0.3) == BINARY),
        "f1_score": metrics.F1Score(threshold=0.5)(BINARY, SCORES)[0],
    }
    assert {type(value) for value in logs.values()} == {float}


@pytest.mark.parametrize("given", ["mse", "mae", "rmse", "r2", "binary_accuracy", "categorical_accuracy"])
def test_counted_and_computed_are_the_same_number(given):
    """With weights of 1, a weighted metric is computed from outputs."""
    p, y = RNG.normal(size=(N, 3)), RNG.integers(0, 2, (N, 3)).astype(float)
    logs = measured(resolved([given], units=3, weighted=[given]), p, y, sample_weight=np.ones(N))
    assert logs[given] == pytest.approx(logs[f"weighted_{given}"], rel=1e-13)


def test_two_kinds_of_accuracy():
    p, y = RNG.uniform(size=(N, 3)), np.eye(3)[RNG.integers(0, 3, N)]
    logs = measured(resolved(["binary_accuracy", "categorical_accuracy", "accuracy"], units=3), p, y)
    categorical = np.mean(p.argmax(axis=1) == y.argmax(axis=1))
    expected = {"binary_accuracy": np.mean((p > 0.5) == y), "categorical_accuracy": categorical, "accuracy": categorical}
    assert {name: logs[name] for name in expected} == pytest.approx(expected)


def test_labels():
    p, y = RNG.dirichlet(np.ones(4), N), RNG.integers(0, 4, N)
    found = resolved(
        ["accuracy", "sparse_top_k_categorical_accuracy", "sparse_categorical_crossentropy"],
        "sparse_categorical_crossentropy",
        4,
    )
    found += resolved([metrics.SparseTopKCategoricalAccuracy(2, name="top_2")], "sparse_categorical_crossentropy", 4)
    logs = measured(found, p, y, "sparse_categorical_crossentropy")
    assert logs["accuracy"] == np.mean(p.argmax(axis=1) == y)
    assert logs["sparse_top_k_categorical_accuracy"] == 1
    assert logs["top_2"] == np.mean([label in row.argsort()[-2:] for row, label in zip(p, y, strict=True)])
    assert logs["sparse_categorical_crossentropy"] == pytest.approx(logs["loss"]) == -np.mean(np.log(p[np.arange(N), y]))


@pytest.mark.parametrize("of_loss", [True, False])
def test_weights_are_for_weighted_metrics_alone(of_loss):
    w = RNG.uniform(size=N)
    found = resolved(["mae", metrics.Recall(name="recall")], weighted=["mae", metrics.Recall(name="recall"), "accuracy"])
    logs = measured(found, SCORES, BINARY, sample_weight=w if of_loss else None)
    weighted = w if of_loss else np.ones(N)
    assert logs["mae"] == pytest.approx(np.mean(np.abs(SCORES - BINARY)))
    assert logs["weighted_mae"] == pytest.approx(np.average(np.abs(SCORES - BINARY)[:, 0], weights=weighted))
    assert logs["recall"] == metrics.Recall()(BINARY, SCORES)
    assert logs["weighted_recall"] == pytest.approx(metrics.Recall()(BINARY, SCORES, weighted))
    assert logs["accuracy"] == pytest.approx(np.average(((SCORES > 0.5) == BINARY)[:, 0], weights=weighted))


def test_targets_and_weights_follow_the_order_of_training():
    order, w = RNG.permutation(N), RNG.uniform(size=N)
    found = resolved([metrics.AUC(name="auc")], weighted=["mape"])
    expected = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY), w)
    assert metrics.epoch_logs(kept(SCORES[order], order), found, Targets(BINARY), w) == pytest.approx(expected, rel=1e-12)
    assert expected["loss"] == 0.25


@pytest.mark.parametrize("shuffled", [True, False])
def test_part_of_a_pass(shuffled):
    """The first rows in the order of training; counted metrics too."""
    rows = RNG.permutation(N)[:20] if shuffled else np.arange(20)
    w, order = RNG.uniform(size=N), rows if shuffled else None
    found = resolved([metrics.AUC(name="auc"), "r2"], weighted=["mape"])
    part = kept(SCORES[rows], order)
    p, y = SCORES[rows], BINARY[rows]
    part.statistics = SimpleNamespace(
        count=20, squared_error=Scaled(((p - y) ** 2).sum(axis=0), 0), absolute_error=Scaled(np.abs(p - y).sum(axis=0), 0)
    )
    logs = metrics.epoch_logs(part, found, Targets(BINARY), w)
    assert logs["auc"] == metrics.AUC()(y, p)
    assert logs["r2"] == pytest.approx(metrics.R2Score()(y, p))
    assert logs["mape"] == pytest.approx(metrics.MeanAbsolutePercentageError()(y, p, w[rows]))


def test_accuracy_of_logits_with_weights():
    z, w = RNG.normal(size=(N, 1)), RNG.uniform(size=N)
    found = resolved(None, losses.BinaryCrossentropy(from_logits=True), weighted=["accuracy"])
    logs = metrics.epoch_logs(kept(z), found, Targets(BINARY), w)
    assert logs["accuracy"] == pytest.approx(np.average((z > 0)[:, 0] == BINARY[:, 0], weights=w))


def test_several_values():
    found = resolved([metrics.Precision([0.3, 0.6], name="precision"), metrics.F1Score(name="f1")])
    logs = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY))
    assert logs["precision"].shape == (2,) and isinstance(logs["f1"], float)
    expected = metrics.Precision([0.3, 0.6])(BINARY, SCORES)
    assert logs["precision"].tolist() == expected.tolist()
    assert f"{logs['precision']:.3f}" == f"[{expected[0]:.3f}, {expected[1]:.3f}]"  # as a bar shows numbers


def test_a_metric_object_shows_the_last_pass():
    """Counted or not, as Keras's do."""
    mine = [
        metrics.MeanAbsoluteError(),
        metrics.RootMeanSquaredError(),
        metrics.R2Score(),
        metrics.BinaryAccuracy(),
        metrics.AUC(name="auc"),
    ]
    found = resolved(mine)
    for rows in (slice(0, 20), slice(0, N)):
        logs = measured(found, SCORES[rows], BINARY[rows])
        assert [metric.result() for metric in mine] == pytest.approx([logs[metric.name] for metric in mine], rel=1e-12)
    mine[0].update_state(BINARY, SCORES + 1)  # which goes on from there
    assert mine[0].result() == pytest.approx(np.mean(np.abs(np.stack([SCORES, SCORES + 1]) - BINARY)))


@pytest.mark.parametrize("batch_size", [None, 1, 7, BLOCK + 1])
def test_metrics_that_are_sums_do_not_depend_on_batches(batch_size):
    n = 2 * BLOCK + 5
    y = RNG.integers(0, 2, (n, 1)).astype("float32")
    p = RNG.uniform(size=(n, 1)).astype("float32")
    found = resolved([metrics.AUC(name="auc"), "mape", metrics.Precision(name="precision")])
    logs = metrics.epoch_logs(kept(p), found, Targets(y), batch_size=batch_size)
    assert logs["auc"] == metrics.AUC()(y, p) and logs["precision"] == metrics.Precision()(y, p)
    assert logs["mape"] == pytest.approx(metrics.MeanAbsolutePercentageError()(y, p), rel=1e-12)


# ---------------------------------------------------------------------------------------------------- a user's functions


def by_row(y_true, y_pred):
    return abs(y_true - y_pred) ** 1.5


def by_sample(y_true, y_pred):
    return np.mean(abs(y_true - y_pred) ** 1.5, axis=-1)


def by_batch(y_true, y_pred):
    return np.max(abs(y_true - y_pred))


def standardized(y_true, y_pred):
    return abs(y_pred - y_pred.mean())[:, 0]


@pytest.mark.parametrize("batch_size", [1, 8, 16, N, 1000])
def test_a_function_is_averaged_over_samples_or_batches(batch_size):
    found = resolved([by_row, by_sample, by_batch, standardized])
    logs = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY), batch_size=batch_size)
    batches = [(BINARY[i : i + batch_size], SCORES[i : i + batch_size]) for i in range(0, N, batch_size)]
    assert logs["by_row"] == pytest.approx(np.mean(by_row(BINARY, SCORES)))
    assert logs["by_sample"] == pytest.approx(np.mean(by_row(BINARY, SCORES)))
    assert logs["by_batch"] == pytest.approx(np.mean([by_batch(*batch) for batch in batches]))
    assert logs["standardized"] == pytest.approx(np.concatenate([standardized(*batch) for batch in batches]).mean(), abs=1e-12)


def test_a_function_of_rows_is_not_called_for_each_batch():
    calls = []

    def counting(y_true, y_pred):
        calls.append(len(y_true))
        return abs(y_true - y_pred)

    metrics.epoch_logs(kept(SCORES), resolved([counting]), Targets(BINARY), batch_size=2)
    assert len(calls) < 6


def test_a_function_with_weights():
    w = RNG.uniform(size=N)
    found = resolved(None, weighted=[by_row])
    logs = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY), w, batch_size=8)
    assert logs["by_row"] == pytest.approx(np.average(by_row(BINARY, SCORES)[:, 0], weights=w))
    with pytest.raises(ValueError, match="can only be weighted if it has a value for each sample"):
        metrics.epoch_logs(kept(SCORES), resolved(None, weighted=[by_batch]), Targets(BINARY), w, batch_size=8)


def test_formulas_in_fastbp_functions():
    import fastbp

    def log_ratio(y_true, y_pred):
        return fastbp.mean(fastbp.abs(fastbp.log((1 + y_true) / (1 + y_pred))), axis=-1)

    logs = metrics.epoch_logs(kept(SCORES), resolved([log_ratio]), Targets(BINARY), batch_size=8)
    assert logs["log_ratio"] == pytest.approx(np.mean(np.abs(np.log((1 + BINARY) / (1 + SCORES)))))


# ------------------------------------------------------------------------------------------------------ a user's classes


class Largest(metrics.Metric):
    """The mean over batches of the largest error."""

    def __init__(self, name="largest", **rest):
        super().__init__(name=name, **rest)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.batches = self.add_variable(shape=(), initializer="zeros", dtype="int32")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = np.abs(y_true - y_pred)[:, 0] * (1 if sample_weight is None else sample_weight)
        self.total.assign_add(error.max())
        self.batches.assign(self.batches + 1)

    def result(self):
        return self.total / self.batches


class Both(metrics.Metric):
    """Made of other metrics, with two results."""

    def __init__(self, name="both"):
        super().__init__(name=name)
        self.precision, self.recall = metrics.Precision(), metrics.Recall()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.precision.update_state(y_true, y_pred, sample_weight)
        self.recall.update_state(y_true, y_pred, sample_weight)

    def result(self):
        return {"p": self.precision.result(), "r": self.recall.result()}


def test_a_class_is_given_batches():
    w = RNG.uniform(size=N)
    found = resolved([Largest()], weighted=[Largest()])
    for _ in range(2):  # it forgets the pass before
        logs = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY), w, batch_size=8)
        error = np.abs(BINARY - SCORES)[:, 0]
        assert logs["largest"] == pytest.approx(np.mean([error[i : i + 8].max() for i in range(0, N, 8)]))
        assert logs["weighted_largest"] == pytest.approx(np.mean([(w * error)[i : i + 8].max() for i in range(0, N, 8)]))


def test_a_class_of_several_results_made_of_metrics():
    found = resolved([Both()])
    for _ in range(2):
        logs = metrics.epoch_logs(kept(SCORES), found, Targets(BINARY), batch_size=8)
        expected = {"p": metrics.Precision()(BINARY, SCORES), "r": metrics.Recall()(BINARY, SCORES), "loss": 0.25}
        assert logs == expected
    assert len(found[0].metric.variables) == 4


def test_data_in_parts():
    found = resolved([metrics.AUC(name="auc"), "mse", Largest(), "accuracy"])
    metrics.reset(found)
    for i in range(0, N, 10):
        metrics.update(found, BINARY[i : i + 10], SCORES[i : i + 10], batch_size=10)
    parts = metrics.results(found)
    assert parts == {
        "auc": metrics.AUC()(BINARY, SCORES),
        "mse": pytest.approx(np.mean((BINARY - SCORES) ** 2)),
        "largest": pytest.approx(np.mean([np.abs(BINARY - SCORES)[i : i + 10].max() for i in range(0, N, 10)])),
        "accuracy": np.mean((SCORES > 0.5) == BINARY),
    }
