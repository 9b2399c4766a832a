"""Ensembles: what their members learn, what they predict together, and that a file has all of it."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Ensemble, Input, ModelFileError, Sequential
from fastbp.losses import GaussianNLL
from fastbp.many import spread
from fastbp.many.rows import bootstrap_rows, out_of_bag
from fastbp.saving.container import read_file, write_file

X = np.random.default_rng(0).uniform(-1, 1, size=(120, 3)).astype("float32")
Y = (np.sin(2 * X[:, :1]) + X[:, 1:2]).astype("float32")
LABELS = (X[:, 0] > X[:, 1]).astype(int)


def compiled(*layers, loss="mse", optimizer=None, **settings):
    model = Sequential(list(layers), **settings)
    model.compile(optimizer or fastbp.Adam(0.01), loss)
    return model


def regressor():
    return compiled(Dense(8, "tanh"), Dense(1))


def fitted(build=regressor, members=5, y=Y, epochs=3, seed=0, **settings):
    ensemble = Ensemble(build, members, seed=seed, **settings)
    ensemble.fit(X, y, epochs=epochs, verbose=0)
    return ensemble


@pytest.fixture(scope="module")
def trained():
    return fitted()


# -- what members are


def test_members_learn_what_they_would_alone_from_the_rows_they_draw(trained):
    for i, member in enumerate(trained.models):
        alone = trained_alone(trained, i)
        for a, b in zip(member.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def trained_alone(ensemble, i):
    with fastbp.seeds.seeding(ensemble._seeds[i]):
        model = regressor()
    rows = bootstrap_rows(ensemble._seeds[i], len(X))
    model.fit(X[rows], Y[rows], epochs=3, verbose=0)
    return model


def test_draws_are_of_all_rows_with_replacement():
    rows = bootstrap_rows(3, 10_000)
    left = out_of_bag(3, 10_000, 10_000)
    assert len(rows) == 10_000 and rows.min() >= 0 and rows.max() < 10_000
    assert abs(len(left) / 10_000 - np.exp(-1)) < 0.02
    assert sorted({*rows.tolist(), *left.tolist()}) == list(range(10_000)) and not {*rows.tolist()} & {*left.tolist()}
    counts = np.bincount(bootstrap_rows(5, 10_000), minlength=10_000)
    assert abs(counts.var() - 1) < 0.1  # as of a Poisson distribution


def test_the_same_seed_gives_the_same_bits_and_more_members_begin_with_them(trained):
    again, more = fitted(), fitted(members=7)
    np.testing.assert_array_equal(trained.predict_members(X), again.predict_members(X))
    np.testing.assert_array_equal(trained.predict_members(X), more.predict_members(X)[:5])
    assert (fitted(seed=1).predict_members(X) != trained.predict_members(X)).all()


def test_members_differ(trained):
    first = [model.get_weights()[0].tobytes() for model in trained.models]
    assert len(set(first)) == 5


def test_another_fit_goes_on(trained):
    twice = Ensemble(regressor, 5, seed=0)
    twice.fit(X, Y, epochs=1, verbose=0)
    twice.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(twice.predict(X), trained.predict(X))


@pytest.mark.parametrize(
    "build",
    [
        lambda seed: compiled(Dense(1), seed=seed),
        lambda index, seed=7: compiled(Dense(1 + (index > 2), "tanh"), Dense(1), seed=seed),
        lambda anything: compiled(Dense(1), seed=anything),
        lambda units=1, **rest: compiled(Dense(units)),
        compiled(Input((3,)), Dense(1), seed=4),
        compiled(Dense(4, "relu"), Dense(1), name="one_name"),
    ],
)
def test_ways_to_make_members(build):
    ensemble = fitted(build, 4, epochs=1)
    assert len({model.get_weights()[0].tobytes() for model in ensemble.models}) == 4
    assert ensemble.predict(X).shape == (120, 1)
    np.testing.assert_array_equal(fitted(build, 4, epochs=1).predict(X), ensemble.predict(X))


def test_a_model_is_copied_without_what_it_has_learnt_but_with_what_it_was_adapted_to():
    norm = fastbp.layers.Normalization()
    norm.adapt(10 + 5 * X)
    model = compiled(norm, Dense(4, "relu"), Dense(1), loss="mae", optimizer=fastbp.SGD(0.125, momentum=0.5), seed=0)
    model.fit(10 + 5 * X, Y, epochs=2, verbose=0)
    before = [w.copy() for w in model.get_weights()]
    ensemble = Ensemble(model, 3, seed=0)
    ensemble.fit(10 + 5 * X, Y, epochs=0, verbose=0)
    for member in ensemble.models:
        assert member.optimizer.momentum == 0.5 and member.optimizer.steps == 0 and member.loss.name == model.loss.name
        np.testing.assert_array_equal(member.get_weights()[0], before[0])
        assert (member.get_weights()[3] != before[3]).all()
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# -- what they predict


NETWORKS = {
    "dense": lambda: compiled(Dense(8, "tanh"), Dense(2)),
    "normalized": lambda: compiled(Dense(8), fastbp.layers.BatchNormalization(), fastbp.layers.ReLU(), Dense(2)),
    "full kernel": lambda: compiled(Dense(8, "relu"), fastbp.layers.LayerNormalization(), fastbp.layers.Dropout(0.5), Dense(2)),
    "float64": lambda: compiled(Dense(8, "softplus"), Dense(2), dtype="float64"),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 5, 127, 128, 700, 3001])
def test_one_call_gives_what_each_member_predicts(name, count):
    ensemble = fitted(NETWORKS[name], 3, np.hstack([Y, -Y]), epochs=1)
    x = np.random.default_rng(1).normal(size=(count, 3)).astype(ensemble.models[0].dtype)
    expected = np.stack([model.predict(x, verbose=0) for model in ensemble.models])
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(ensemble.predict_members(x, threads=threads), expected)


def test_members_of_several_architectures():
    ensemble = fitted(lambda index: compiled(*(Dense(3 + index, "tanh") for _ in range(index + 1)), Dense(1)), 4)
    np.testing.assert_array_equal(ensemble.predict_members(X), np.stack([m.predict(X, verbose=0) for m in ensemble.models]))


def test_predictions_follow_weights_that_are_set_or_learnt(trained):
    ensemble = fitted(epochs=1)
    before = ensemble.predict(X)
    for mine, other in zip(ensemble.models, trained.models, strict=True):
        mine.set_weights(other.get_weights())
    np.testing.assert_array_equal(ensemble.predict(X), trained.predict(X))
    assert (before != ensemble.predict(X)).any()
    ensemble.models[0].compile("sgd", "mse")  # which makes plans anew
    np.testing.assert_array_equal(ensemble.predict(X), trained.predict(X))


def test_mean_deviation_and_quantiles_are_those_of_the_members(trained):
    members = trained.predict_members(X).astype("float64")
    np.testing.assert_allclose(trained.predict(X), members.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(trained.predict_std(X), members.std(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(trained.predict_quantiles(X, [0, 0.3, 1]), np.quantile(members, [0, 0.3, 1], axis=0), rtol=1e-5)
    np.testing.assert_allclose(trained.predict_quantiles(X, 0.5), np.median(members, axis=0), rtol=1e-5, atol=1e-7)
    assert trained.predict_quantiles(X).shape == (3, 120, 1)


def test_threads_may_predict_at_once(trained):
    x = np.random.default_rng(3).normal(size=(2000, 3)).astype("float32")
    expected = trained.predict_members(x)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: trained.predict_members(x, threads=1 + i % 2), range(40)))
    assert all((one == expected).all() for one in found)


def test_data_of_other_kinds(trained, tmp_path):
    pandas = pytest.importorskip("pandas")
    expected = trained.predict(X)
    np.save(tmp_path / "x.npy", X)
    for x in (X.tolist(), X.astype("float64"), np.asfortranarray(X), pandas.DataFrame(X), np.load(tmp_path / "x.npy", "r")):
        np.testing.assert_array_equal(trained.predict(x), expected)
    np.testing.assert_array_equal(trained.predict(batch for batch in (X[:50], X[50:])), expected)


def test_blocks_of_rows_make_no_difference(trained, monkeypatch):
    x = np.random.default_rng(2).normal(size=(1000, 3)).astype("float32")
    whole = [trained.predict(x), trained.predict_std(x), trained.predict_quantiles(x), trained.predict_members(x)]
    monkeypatch.setattr("fastbp.many.predicting.MAX_BYTES", 5 * 4 * 300)
    parts = [trained.predict(x), trained.predict_std(x), trained.predict_quantiles(x), trained.predict_members(x)]
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("loss", "units", "y"),
    [
        ("binary_crossentropy", 1, LABELS),
        ("categorical_crossentropy", 2, np.eye(2)[LABELS]),
        ("sparse_categorical_crossentropy", 2, LABELS),
        ("binary_focal_crossentropy", 1, LABELS),
        ("categorical_focal_crossentropy", 2, np.eye(2)[LABELS]),
    ],
)
def test_logits_become_probabilities_before_the_mean(loss, units, y):
    loss = getattr(fastbp.losses, "".join(word.title() for word in loss.split("_")))(from_logits=True)
    of_logits = fitted(lambda: compiled(Dense(4, "tanh"), Dense(units), loss=loss), 3, y)
    members = of_logits.predict_members(X).astype("float64")
    powers = np.exp(members)
    expected = powers / (1 + powers) if units == 1 else powers / powers.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(of_logits.predict(X), expected.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(of_logits.predict_std(X), expected.std(axis=0), rtol=1e-4, atol=1e-6)


def test_logits_of_any_size():
    loss = fastbp.losses.BinaryCrossentropy(from_logits=True)
    outputs = np.array([[[-1000.0], [1000.0], [0.0]]], "float32")
    np.testing.assert_array_equal(spread.mean(loss, outputs), [[0.0], [1.0], [0.5]])


# -- members that learn a distribution


def mixture(x, means, variances):
    """Mean, deviation and distribution function of normal distributions in equal parts."""
    mpmath = pytest.importorskip("mpmath")
    mean = sum(means) / len(means)
    squares = sum(v + m**2 for m, v in zip(means, variances, strict=True)) / len(means)
    below = sum(mpmath.ncdf(x, m, mpmath.sqrt(v)) for m, v in zip(means, variances, strict=True)) / len(means)
    return mean, np.sqrt(squares - mean**2), float(below)


@pytest.mark.parametrize("level", [0.001, 0.2, 0.5, 0.99])
def test_normal_distributions_make_a_mixture(level):
    means, variances = [-1.0, 0.5, 3.0], [0.25, 0.01, 4.0]
    outputs = np.array([[[m, np.log(v)]] for m, v in zip(means, variances, strict=True)])
    (found,) = spread.quantiles(GaussianNLL(), outputs, np.array([level]))[:, 0]
    mean, deviation, below = mixture(float(found[0]), means, variances)
    assert below == pytest.approx(level, abs=1e-12)
    assert spread.mean(GaussianNLL(), outputs)[0, 0] == pytest.approx(mean)
    assert spread.std(GaussianNLL(), outputs)[0, 0] == pytest.approx(deviation)


def test_one_normal_distribution_is_itself():
    outputs = np.array([[[2.0, np.log(9.0)]]])
    found = spread.quantiles(GaussianNLL(), outputs, np.array([0.15865525393145707, 0.5]))
    np.testing.assert_allclose(found[:, 0, 0], [-1.0, 2.0], rtol=1e-12)
    assert spread.std(GaussianNLL(), outputs)[0, 0] == pytest.approx(3.0)


def test_small_variances_count_as_the_loss_has_them():
    outputs = np.array([[[2.0, -1e5]]])
    assert spread.std(GaussianNLL(eps=1e-4), outputs)[0, 0] == pytest.approx(1e-2)


def test_an_ensemble_of_gaussian_nll():
    ensemble = fitted(lambda: compiled(Dense(8, "tanh"), Dense(2), loss="gaussian_nll"), 4)
    members = ensemble.predict_members(X).astype("float64")
    assert ensemble.predict(X).shape == ensemble.predict_std(X).shape == (120, 1)
    variance = np.exp(members[..., 1:]).mean(axis=0) + members[..., :1].var(axis=0)
    np.testing.assert_allclose(ensemble.predict_std(X), np.sqrt(variance), rtol=1e-5)
    with pytest.warns(UserWarning, match="take more members"):
        assert ensemble.oob_score(X, Y) < 1
    with pytest.raises(ValueError, match="q must be numbers between 0 and 1"):
        ensemble.predict_quantiles(X, [0.0, 0.5])


# -- how good they are


def test_out_of_bag_predictions_are_those_of_members_that_did_not_draw_the_row(trained):
    members, expected = trained.predict_members(X), np.full((len(X), 1), np.nan)
    seen = [bootstrap_rows(seed, len(X)) for seed in trained._seeds]
    for row in range(len(X)):
        outputs = [members[i, row] for i in range(5) if row not in seen[i]]
        if outputs:
            expected[row] = np.mean(outputs, axis=0)
    found = trained.oob_predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    known = ~np.isnan(expected[:, 0])
    with pytest.warns(UserWarning, match=f"{(~known).sum()} of 120 rows were drawn by all members"):
        score = trained.oob_score(X, Y)
    residual = ((Y - expected)[known] ** 2).sum()
    assert score == pytest.approx(1 - residual / ((Y[known] - Y[known].mean()) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "units", "activation", "y"),
    [
        ("binary_crossentropy", 1, "sigmoid", LABELS),
        ("categorical_crossentropy", 2, "softmax", np.eye(2)[LABELS]),
        ("sparse_categorical_crossentropy", 2, "softmax", LABELS),
        ("hinge", 1, "tanh", 2 * LABELS - 1),
        ("binary_focal_crossentropy", 1, "sigmoid", LABELS),
        ("categorical_hinge", 2, None, np.eye(2)[LABELS]),
    ],
)
def test_the_score_of_classes_is_the_share_of_right_ones(loss, units, activation, y):
    ensemble = fitted(lambda: compiled(Dense(8, "tanh"), Dense(units, activation), loss=loss), 8, y, epochs=30)
    found = ensemble.predict(X)
    border = 0.0 if loss == "hinge" else 0.5
    right = (found[:, 0] > border).astype(int) == LABELS if units == 1 else found.argmax(axis=1) == LABELS
    assert ensemble.score(X, y) == pytest.approx(right.mean()) and right.mean() > 0.9
    weights = np.arange(len(X), dtype=float)
    assert ensemble.score(X, y, weights) == pytest.approx(np.average(right, weights=weights))


def test_validation_on_rows_that_were_not_drawn():
    ensemble = Ensemble(regressor, 3, seed=0)
    members = ensemble.fit(X, Y, epochs=2, validation="oob", verbose=0)
    for i, member in enumerate(members):
        rows = out_of_bag(ensemble._seeds[i], len(X), len(X))
        expected = member.model.evaluate(X[rows], Y[rows], verbose=0)
        assert member.history.history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bootstrap", [True, False])
def test_a_part_kept_for_validation_is_learnt_from_by_nobody(bootstrap):
    changed = Y.copy()
    changed[90:] = 100.0
    one, other = (Ensemble(regressor, 3, bootstrap, seed=0) for _ in range(2))
    found = [e.fit(X, y, epochs=2, validation=0.25, verbose=0) for e, y in ((one, Y), (other, changed))]
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert found[0][0].history.history["val_loss"][-1] < 10 < found[1][0].history.history["val_loss"][-1]
    if bootstrap:
        assert not np.isnan(one.oob_predict(X)[90:]).any()  # which no member has drawn


# -- failures and bad input


def test_a_member_that_diverges_is_left_out_with_a_warning():
    def build(index):
        return compiled(Dense(1), optimizer=fastbp.SGD(1e30 if index == 1 else 0.01))

    ensemble = Ensemble(build, 3, seed=0)
    with pytest.warns(UserWarning, match="1 of 3 members have failed and are left out, the first by TrainingDiverged"):
        members = ensemble.fit(X, Y, epochs=4, verbose=0)
    assert [member.error is None for member in members] == [True, False, True] and len(ensemble.models) == 2
    assert np.isfinite(ensemble.predict(X)).all()
    members = ensemble.predict_members(X)
    seen = [bootstrap_rows(ensemble._seeds[i], len(X)) for i in (0, 2)]
    row = next(row for row in range(len(X)) if row in seen[0] and row not in seen[1])
    np.testing.assert_array_equal(ensemble.oob_predict(X)[row], members[1, row])
    with pytest.raises(fastbp.TrainingDiverged):
        Ensemble(lambda: compiled(Dense(1), optimizer=fastbp.SGD(1e30)), 2, seed=0).fit(X, Y, epochs=4, verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Ensemble(3), TypeError, "build must be a compiled model, or a function that returns one, got 3"),
        (lambda: Ensemble(Sequential([Dense(1)])), ValueError, "must be compiled first"),
        (lambda: Ensemble(regressor, 0), ValueError, "members must be an integer of at least 1, got 0"),
        (lambda: Ensemble(regressor, 2.0), TypeError, "members must be an integer"),
        (lambda: Ensemble(regressor, 2, "yes"), TypeError, "bootstrap must be True or False, got 'yes'"),
        (lambda: Ensemble(regressor, seed=-1), ValueError, "seed must be an integer of at least 0"),
        (lambda: fitted(lambda: None), TypeError, "build must return a compiled model, got None"),
        (lambda: fitted(lambda: Sequential([Dense(1)])), ValueError, "build must return a compiled model.*call compile"),
        (lambda: fitted(lambda a, b: None), TypeError, "build must be a function of nothing, of the member's seed"),
        (lambda: fitted(lambda index: compiled(Dense(1 + index))), ValueError, "1 outputs .* for member 0 and .* 2 outputs"),
        (lambda: fitted(validation="all"), TypeError, "validation"),
        (lambda: Ensemble(regressor).predict(X), ValueError, "the ensemble must be fitted first"),
        (lambda: Ensemble(regressor).save("e"), ValueError, "the ensemble must be fitted first"),
        (lambda: Ensemble(regressor, 2).fit(X, Y, validation="all"), ValueError, "validation must be 'oob'"),
        (lambda: Ensemble(regressor, 2, False).fit(X, Y, validation="oob"), ValueError, "validation must be 'oob'"),
        (lambda: Ensemble(regressor, 2).fit(X, Y, validation=2), ValueError, r"validation must be .* in \[0, 1\)"),
        (lambda: Ensemble(regressor, 2).fit(iter([X]), Y), TypeError, "x must be data of which rows can be chosen"),
        (lambda: Ensemble(regressor, 2).fit(X, Y[:5], verbose=0), ValueError, "the same number of rows"),
        (lambda: Ensemble(regressor, 2).fit(X, Y, speed=3), TypeError, "speed"),
        (lambda: fitted(bootstrap=False).oob_predict(X), ValueError, "bootstrap=False: all members know all rows"),
    ],
)
def test_bad_input(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_bad_input_to_a_fitted_one(trained):
    for q in (1.5, [], "half", [[0.5]], np.nan):
        with pytest.raises(ValueError, match="q must be|could not convert"):
            trained.predict_quantiles(X, q)
    with pytest.raises(ValueError, match="x must have shape"):
        trained.predict(X[:, :2])
    with pytest.raises(ValueError, match="x must be that of the last fit, which had 120 rows, got 7"):
        trained.oob_predict(X[:7])
    with pytest.raises(ValueError, match="threads must be at least 1"):
        trained.predict(X, threads=0)


# -- files and copies


def test_a_file_has_all_of_it(tmp_path, trained):
    path = tmp_path / "ensemble.safetensors"
    trained.save(path)
    loaded = Ensemble.load(path)
    np.testing.assert_array_equal(loaded.predict_members(X), trained.predict_members(X))
    np.testing.assert_array_equal(loaded.oob_predict(X), trained.oob_predict(X))
    assert repr(loaded) == repr(trained) == "<Ensemble of 5 members, 5 fitted>" and loaded.seed == 0
    other = fitted()
    for ensemble in (loaded, other):
        ensemble.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(loaded.predict_members(X), other.predict_members(X))
    with pytest.raises(FileExistsError):
        loaded.save(path, overwrite=False)


def test_pickles(trained):
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(again.predict_std(X), trained.predict_std(X))
    assert pickle.loads(pickle.dumps(Ensemble(regressor, 2))).members == 2


def test_files_of_other_things(tmp_path, trained):
    trained.models[0].save(tmp_path / "model")
    trained.save(tmp_path / "ensemble")
    with pytest.raises(ModelFileError, match="is a file of 'model', not of 'ensemble': fastbp.load_model reads it"):
        Ensemble.load(tmp_path / "model")
    for read in (fastbp.load_model, regressor_of_three().load_weights):
        with pytest.raises(ModelFileError, match="fastbp.Ensemble.load reads it"):
            read(tmp_path / "ensemble")
    with pytest.raises(FileNotFoundError):
        Ensemble.load(tmp_path / "none")


def regressor_of_three():
    model = regressor()
    model.build(3)
    return model


def test_hostile_files(tmp_path, trained):
    trained.save(tmp_path / "good")
    good = read_file(str(tmp_path / "good"))
    settings = json.loads(good.metadata["settings"])
    arrays = {name: array for name, array in good.arrays.items() if name != "checksum"}

    def refused(text, changed_arrays=None, **changes):
        metadata = {**good.metadata, "settings": json.dumps({**settings, **changes})}
        write_file(str(tmp_path / "bad"), changed_arrays or arrays, metadata)
        with pytest.raises(ModelFileError, match=text):
            Ensemble.load(tmp_path / "bad")

    whole, members = settings["ensemble"], settings["members"]
    refused("not those of an ensemble", members=3)
    refused("seeds for 5 members and numbers for 0", members=[])
    refused("no ensemble can be made", members=[1, 2, 3, 4, 5])
    for name, value in [
        ("members", 10**6),
        ("seeds", []),
        ("seeds", [0.5] * 5),
        ("numbers", [0, 1, 2, 3, 9]),
        ("numbers", [0, 0, 1, 2, 3]),
        ("rows", -1),
        ("drawn_from", 121),
        ("bootstrap", "yes"),
        ("seed", "zero"),
    ]:
        refused("no ensemble can be made", ensemble={**whole, name: value})
    refused("no ensemble can be made", ensemble=None)
    refused("weights must be those of the layers", {name: a for name, a in arrays.items() if not name.startswith("3/weights")})
    refused("no ensemble can be made", {**arrays, "7/weights/dense/kernel": np.zeros(3, "float32")})
    refused("no ensemble can be made", {**arrays, "x/weights/dense/kernel": np.zeros(3, "float32")})
    wide = fitted(lambda: compiled(Dense(8, "tanh"), Dense(3)), 5, np.hstack([Y] * 3))
    wide.save(tmp_path / "wide")
    theirs = read_file(str(tmp_path / "wide"))
    mixed = {**{n: a for n, a in arrays.items() if n[0] != "4"}, **{n: a for n, a in theirs.arrays.items() if n[0] == "4"}}
    refused("3 outputs", mixed, members=[*members[:4], json.loads(theirs.metadata["settings"])["members"][4]])
    refused("no ensemble", members=[*members[:4], {**members[4], "compiled": None}])
