"""Steps and predictions bound to one shape: the bits of the ordinary calls, whatever happens to the model in between."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import fastbp
from fastbp import layers
from fastbp.engine import bound

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 3)).astype("float32"), RNG.normal(size=(4, 2)).astype("float32")


def make(optimizer="sgd", loss="mse", seed=0, extra=(), units=2, last=None):
    stack = [fastbp.Input((3,)), fastbp.Dense(5, "tanh"), *extra, fastbp.Dense(units, last)]
    model = fastbp.Sequential(stack, seed=seed)
    model.compile(optimizer() if callable(optimizer) else optimizer, loss)
    return model


def assert_same(one, other):
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
    assert one._engine.steps == other._engine.steps and one.optimizer.iterations == other.optimizer.iterations


def plain_step(model, x, y):
    """One step by the way that binds nothing."""
    model._step = None
    model._last_shapes = ()
    return model.train_on_batch(x, y)


KINDS = {
    "sgd": make,
    "adam": lambda: make("adam"),
    "steered": lambda: make(lambda: fastbp.Adam(0.1, clipnorm=0.1, use_ema=True, ema_overwrite_frequency=3)),
    "accumulated": lambda: make(lambda: fastbp.SGD(0.1, momentum=0.5, gradient_accumulation_steps=3)),
    "scheduled": lambda: make(lambda: fastbp.SGD(fastbp.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))),
    "noise": lambda: make(extra=[layers.Dropout(0.5), layers.LayerNormalization()]),
    "batch statistics": lambda: make("adam", extra=[layers.BatchNormalization()]),
    "penalties": lambda: make(extra=[fastbp.Dense(4, kernel_regularizer="l2", activity_regularizer="l1")]),
    "custom": lambda: make(loss=lambda t, p: np.abs(t - p) ** 1.5),
    "domain": lambda: make(loss="binary_crossentropy", last="sigmoid"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_as_ordinary_steps(kind):
    one, other, third = KINDS[kind](), KINDS[kind](), KINDS[kind]()
    step, y = one.make_step(X.shape, Y.shape), np.abs(Y) / 4
    predict = one.make_predict(X.shape)
    for _ in range(5):
        expected = plain_step(other, X, y)
        assert step(X, y) == expected == third.train_on_batch(X, y)
        assert np.array_equal(predict(X), other.predict(X))
    assert third._step is not None  # which is what it has gone through
    assert_same(one, other)
    assert_same(third, other)


def test_labels_and_other_shapes():
    labels = np.array([0, 1, 1, 0])
    for shape in ((4,), (4, 1)):
        one, other = (make("adam", "sparse_categorical_crossentropy", last="softmax") for _ in range(2))
        step = one.make_step(X.shape, shape)
        for _ in range(3):
            assert step(X, labels.reshape(shape)) == plain_step(other, X, labels)
        with pytest.raises(ValueError, match="class labels from 0 to 1"):
            step(X, np.array([0, 1, 2, 0]).reshape(shape))
        assert_same(one, other)
    one, other = make(units=1), make(units=1)
    assert one.make_step((4, 3), (4,))(X, Y[:, 0]) == plain_step(other, X, Y[:, 0])
    one, other = (
        fastbp.Sequential([fastbp.Input((3, 2)), layers.Flatten(), fastbp.Dense(2)], seed=0, dtype="float64") for _ in "ab"
    )
    images = RNG.normal(size=(4, 3, 2))
    for model in (one, other):
        model.compile("adam", "mse")
    assert one.make_step(images.shape, (4, 2))(images, Y.astype(float)) == plain_step(other, images, Y.astype(float))
    assert np.array_equal(one.make_predict(images.shape)(images), other.predict(images))


def test_arrays_in_place_and_of_any_strides():
    one, other = make(), make()
    step, predict = one.make_step(X.shape, Y.shape), one.make_predict(X.shape)
    step.x[...], step.y[...] = X, Y
    assert step() == plain_step(other, X, Y)
    assert step(np.asfortranarray(X), np.repeat(Y, 2, axis=1)[:, ::2]) == plain_step(other, X, Y)
    predict.x[...] = X
    expected, out = other.predict(X), np.zeros((4, 4), "float32")[:, ::2]
    assert np.array_equal(predict(), expected)
    assert predict(X, out) is out and np.array_equal(out, expected)
    kept = predict(X)
    predict(2 * X)
    assert np.array_equal(kept, expected)  # a new array each time


CHANGES = {
    "learning rate": lambda m: setattr(m.optimizer, "learning_rate", 0.5),
    "assigned rate": lambda m: m.optimizer.learning_rate.assign(0.25),
    "weights": lambda m: m.set_weights([w + 1 for w in m.get_weights()]),
    "weights of a layer": lambda m: m.layers[0].set_weights([w * 0.5 for w in m.layers[0].get_weights()]),
    "another loss": lambda m: m.compile("sgd", "mae"),
    "another optimizer": lambda m: m.compile(fastbp.Adam(0.1), "mse"),
    "a clipped optimizer": lambda m: m.compile(fastbp.SGD(0.1, clipvalue=1e-3), "mse"),
    "a fit": lambda m: m.fit(X, Y, epochs=2, verbose=0),
    "a larger batch": lambda m: plain_step(m, np.tile(X, (8, 1)), np.tile(Y, (8, 1))),
    "given gradients": lambda m: m.apply_gradients([np.ones_like(w) for w in m.get_weights()]),
    "a frozen layer": lambda m: (setattr(m.layers[0], "trainable", False), m.compile("sgd", "mse")),
    "one more layer": lambda m: (m.add(fastbp.Dense(2, kernel_initializer="ones")), m.compile("sgd", "mse")),
    "shared layers": lambda m: shared(m).fit(X, X[:, :1], verbose=0),
    "many sizes": lambda m: [m.predict(np.zeros((n, 3), "float32")) for n in range(1, 24)],
    "no decay": lambda m: (
        m.compile(fastbp.SGD(0.1, weight_decay=0.5), "mse"),
        m.optimizer.exclude_from_weight_decay(var_names=["bias"]),
    ),
    "threads": lambda m: fastbp.set_num_threads(None),
    "gradients": lambda m: m.value_and_gradient(X, Y),
}


def shared(model):
    other = fastbp.Sequential([model.layers[0], fastbp.Dense(1, kernel_initializer="ones")], seed=1)
    other.compile("sgd", "mse")
    return other


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_changes_between_two_calls_holds_for_the_next(change, optimizer):
    one, other, third = make(optimizer), make(optimizer), make(optimizer)
    step, predict = one.make_step(X.shape, Y.shape), one.make_predict(X.shape)
    for _ in range(3):
        for _ in range(3):
            assert step(X, Y) == plain_step(other, X, Y) == third.train_on_batch(X, Y)
            assert np.array_equal(predict(X), other.predict(X))
        for model in (one, other, third):
            CHANGES[change](model)
        assert np.array_equal(predict(X), other.predict(X))
    step(X, Y), plain_step(other, X, Y), third.train_on_batch(X, Y)
    assert_same(one, other)
    assert_same(third, other)


def test_two_steps_of_one_model_take_turns():
    one, other = make("adam"), make("adam")
    first, second = one.make_step(X.shape, Y.shape), one.make_step((2, 3), (2, 2))
    again = one.make_step(X.shape, Y.shape)
    for _ in range(3):
        for step, n in ((first, 4), (second, 2), (again, 4)):
            assert step(X[:n], Y[:n]) == plain_step(other, X[:n], Y[:n])
    assert_same(one, other)


def test_a_model_that_has_changed_its_form_is_refused():
    model = make()
    step = model.make_step(X.shape, Y.shape)
    step(X, Y)
    model.add(fastbp.Dense(7))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"y_shape must have shape \(4, 7\), got \(4, 2\)"):
        step(X, Y)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="learns from y of int64"):
        step(X, Y)
    model.compile("lbfgs", "mse")
    with pytest.raises(TypeError, match="takes a single step"):
        step(X, Y)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X.astype(float), Y, ValueError, "x must be an array of float32 of shape .* got float64"),
        (X[:3], Y, ValueError, r"got float32 of shape \(3, 3\)"),
        (X.tolist(), Y, TypeError, "x must be an array .* got list"),
        (X, Y[:, :1], ValueError, "y must be an array"),
        (X, Y.astype(int), ValueError, "y must be an array of float32"),
        (np.where(X[1, 2] == X, np.nan, X), Y, ValueError, "x must be finite, got nan .* at row 1, column 2"),
        (X, np.where(Y[3, 0] == Y, np.inf, Y), ValueError, "y must be finite, got inf .* at row 3, column 0"),
    ],
    ids=range(7),
)
def test_bad_data_leaves_the_model_as_it_was(x, y, error, message):
    model, other = make(), make()
    step = model.make_step(X.shape, Y.shape)
    step(X, Y), other.train_on_batch(X, Y)
    with pytest.raises(error, match=message):
        step(x, y)
    assert_same(model, other)
    assert step(X, Y) == other.train_on_batch(X, Y)


def test_bad_targets_of_a_loss_with_a_domain():
    model = make(loss="binary_crossentropy", last="sigmoid")
    with pytest.raises(ValueError, match=r"y must lie in \[0, 1\]"):
        model.make_step(X.shape, Y.shape)(X, 2 + Y**2)


@pytest.mark.parametrize(
    ("x_shape", "y_shape", "error", "message"),
    [
        (4, (4, 2), TypeError, "x_shape must be a tuple"),
        ((4, 2), (4, 2), ValueError, r"x_shape must have shape \(samples, 3\), got \(4, 2\)"),
        ((0, 3), (0, 2), ValueError, "x_shape must hold at least one row"),
        ((4, 3), (4, 3), ValueError, r"y_shape must have shape \(4, 2\), got \(4, 3\)"),
        ((4, 3), (5, 2), ValueError, "x_shape and y_shape must have the same number of rows"),
        ((4, 3.5), (4, 2), TypeError, "x_shape must be an integer"),
    ],
    ids=range(6),
)
def test_bad_shapes(x_shape, y_shape, error, message):
    with pytest.raises(error, match=message):
        make().make_step(x_shape, y_shape)


def test_where_a_step_diverges_the_weights_go_back():
    for keeps in (False, True):
        model, steps = make(lambda: fastbp.SGD(0.01)), bound.KEPT_STEPS + 6
        step = model.train_on_batch if keeps else model.make_step(X.shape, Y.shape)
        weights = []
        for _ in range(steps):
            weights.append(model.get_weights())
            step(X, Y)
        model.optimizer.learning_rate = 1e38
        weights.append(model.get_weights())
        with pytest.raises(fastbp.TrainingDiverged) as error:
            for _ in range(3):
                step(X, Y)
        back = error.value.step
        assert (error.value.epoch, 1) == ((1, back) if keeps else (0, 1))
        count = model._engine.steps
        assert count == model.optimizer.iterations
        if not keeps:
            assert count == bound.KEPT_STEPS and f"the last {back} steps" in str(error.value)
        if count <= steps:
            assert all(np.array_equal(a, b) for a, b in zip(weights[count], model.get_weights(), strict=True))
        assert all(np.isfinite(w).all() for w in model.get_weights())
        model.optimizer.learning_rate = 0.01
        model.set_weights(weights[0])
        assert np.isfinite(step(X, Y))


def test_where_another_call_comes_in_between_nothing_of_it_is_lost():
    model = make(lambda: fastbp.SGD(0.01))
    step = model.make_step(X.shape, Y.shape)
    step(X, Y)
    model.fit(X, Y, epochs=3, verbose=0)
    before = model.get_weights()
    model.optimizer.learning_rate = 1e38
    with pytest.raises(fastbp.TrainingDiverged):
        for _ in range(3):
            step(X, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_backward_after_a_step_is_refused():
    model = make()
    step = model.make_step(X.shape, Y.shape)
    model.forward(X)
    step(X, Y)
    with pytest.raises(ValueError, match="backward needs a forward"):
        model.backward(Y)


def test_threads_change_no_bits():
    results = []
    x, y = np.tile(X, (200, 1)), np.tile(Y, (200, 1))
    for threads in (1, 2, 3):
        fastbp.set_num_threads(threads)
        model = fastbp.Sequential(
            [fastbp.Input((3,)), fastbp.Dense(300, "tanh"), fastbp.Dense(300, "tanh"), fastbp.Dense(2)], seed=0
        )
        model.compile("adam", "mse")
        step, predict = model.make_step(x.shape, y.shape), model.make_predict(x.shape)
        results.append([step(x, y), step(x, y), *model.get_weights(), predict(x)])
        assert step._bound._plan.threads == threads
    fastbp.set_num_threads(None)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_copies_and_lifetimes():
    model = make()
    step = model.make_step(X.shape, Y.shape)
    for _ in range(3):
        model.train_on_batch(X, Y)
    with pytest.raises(TypeError, match="a step holds buffers of its model"):
        copy.deepcopy(step)
    with pytest.raises(TypeError, match="a prediction holds buffers"):
        pickle.dumps(model.make_predict(X.shape))
    other = pickle.loads(pickle.dumps(model))
    assert other._step is None and other.train_on_batch(X, Y) == step(X, Y)
    assert_same(model, other)
    gone = weakref.ref(other)
    for _ in range(3):
        other.train_on_batch(X, Y)
    gc.disable()
    try:
        del other
        assert gone() is None  # nobody waits for the collector of circles
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_gradients_of_one_shape_again_and_again(kind):
    """The first call has nothing that is bound; the third goes by what is."""
    model, y = KINDS[kind](), np.abs(Y) / 4
    for change in [lambda: None, *(lambda c=change: CHANGES[c](model) for change in ("weights", "another loss", "no decay"))]:
        change()
        for shift in (0, 0.125):
            x, found = X + np.float32(shift), []
            for _ in range(3):
                loss, gradients = model.value_and_gradient(x, y)
                found.append([model.evaluate(x, y, verbose=0), loss, *gradients])
            model._engine._forget_runs()
            loss, gradients = model.value_and_gradient(x, y)
            for other in [*found, [model.evaluate(x, y, verbose=0), loss, *gradients]]:
                assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))
            model.value_and_gradient(x, y), model.evaluate(x, y, verbose=0)
    assert model.evaluate(X, y, verbose=0, return_dict=True) == {"loss": model.evaluate(X, y, verbose=0)}
