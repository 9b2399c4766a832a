"""Random networks of all kinds of layers, with penalties, constraints and clipping: derivatives, and the same bits always."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import fastbp
from fastbp import layers, regularizers

PENALTIES = st.sampled_from([None, "l1", "l2", regularizers.L1L2(0.01, 0.02)])
SMOOTH = st.sampled_from([None, "tanh", "softplus", "gelu", "mish", "softmax"])
STEERING = st.sampled_from([{}, {"clipvalue": 0.05}, {"clipnorm": 0.2}, {"global_clipnorm": 0.3}, {"use_ema": True}])
NONE = st.none()
DENSE_SETTINGS = {
    "activation": SMOOTH,
    "use_bias": st.booleans(),
    "kernel_regularizer": PENALTIES,
    "bias_regularizer": PENALTIES,
    "activity_regularizer": PENALTIES,
}
OTHERS = st.sampled_from(
    [
        lambda: layers.Activation("tanh"),
        lambda: layers.Activation("log_softmax"),
        lambda: layers.PReLU("random_uniform", alpha_regularizer="l2"),
        lambda: layers.Rescaling(0.5, 0.1),
        lambda: layers.ActivityRegularization(l2=0.01),
        lambda: layers.Dropout(0.3),
        lambda: layers.GaussianNoise(0.1),
        lambda: layers.GaussianDropout(0.2),
        lambda: layers.AlphaDropout(0.2),
        lambda: layers.LayerNormalization(gamma_regularizer="l2"),
        lambda: layers.RMSNormalization(),
        lambda: layers.UnitNormalization(),
        lambda: layers.BatchNormalization(beta_regularizer="l1"),
        lambda: layers.Normalization(mean=0.1, variance=2.0),
    ]
)


@st.composite
def stacks(draw, constraint=NONE):
    """A function that makes the layers of a network, the same each time, and x and y for it."""
    width, outputs, rows = draw(st.integers(2, 20)), draw(st.integers(1, 9)), draw(st.integers(2, 40))
    plan = []
    for _ in range(draw(st.integers(1, 3))):
        chosen = {name: draw(values) for name, values in DENSE_SETTINGS.items()} | {"kernel_constraint": draw(constraint)}
        units = draw(st.integers(2, 35))
        plan += [lambda units=units, chosen=chosen: layers.Dense(units, **chosen), *draw(st.lists(OTHERS, max_size=3))]
    plan = [*draw(st.lists(OTHERS, max_size=1)), *plan, lambda: layers.Dense(outputs)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = rng.normal(size=(rows, width)), rng.normal(size=(rows, outputs))
    return lambda: [layers.Input((width,)), *(make() for make in plan)], x, y


def described(stack):
    """What a failure is to show."""
    return [(type(layer).__name__, layer.get_config()) for layer in stack[1:]]


@given(stacks())
@settings(max_examples=30)
def test_derivatives_of_a_step_with_its_noise(problem):
    make, x, y = problem
    model = fastbp.Sequential(make(), seed=0, dtype="float64")
    model.compile("sgd", "mse")
    check = fastbp.check_gradients(model, x, y, max_entries=12, training=True, tolerance=1e-5)
    assert check, (described(make()), check)


@given(stacks(st.sampled_from([None, "non_neg", "max_norm", "unit_norm"])), STEERING, st.integers(1, 16))
@settings(max_examples=12)
def test_the_bits_do_not_depend_on_the_threads(problem, steering, batch_size):
    make, x, y = problem

    def fitted(threads):
        model = fastbp.Sequential(make(), seed=0)
        model.compile(fastbp.Adam(0.01, **steering), "mse")
        history = model.fit(x, y, batch_size=batch_size, epochs=2, verbose=0, threads=threads)
        return [*model.get_weights(), np.array(history.history["loss"])]

    expected = fitted(1)
    for threads in (2, 3, 8):
        for found, wanted in zip(fitted(threads), expected, strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=str(described(make())))
