"""Initial weights: their spread as Keras defines it, and that a seed decides them."""

import math

import numpy as np
import pytest

from fastbp import Dense, Input, Sequential, initializers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

SHAPE = (400, 250)
# name: (standard deviation, largest value) for SHAPE
SPREADS = {
    "glorot_uniform": (math.sqrt(2 / 650), math.sqrt(6 / 650)),
    "he_uniform": (math.sqrt(2 / 400), math.sqrt(6 / 400)),
    "lecun_uniform": (math.sqrt(1 / 400), math.sqrt(3 / 400)),
    "glorot_normal": (math.sqrt(2 / 650), 2 * math.sqrt(2 / 650) / 0.87962566103423978),
    "he_normal": (math.sqrt(2 / 400), 2 * math.sqrt(2 / 400) / 0.87962566103423978),
    "lecun_normal": (math.sqrt(1 / 400), 2 * math.sqrt(1 / 400) / 0.87962566103423978),
    "random_uniform": (0.05 / math.sqrt(3), 0.05),
    "truncated_normal": (0.05 * 0.87962566103423978, 0.1),
    "random_normal": (0.05, math.inf),
}


def draw(initializer, shape=SHAPE, seed=0, dtype="float64"):
    return initializers.get(initializer)(shape, np.random.default_rng(seed), dtype)


@pytest.mark.parametrize("name", SPREADS)
def test_spread(name):
    values, (deviation, largest) = draw(name), SPREADS[name]
    assert values.shape == SHAPE
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert np.abs(values).max() <= largest
    if largest < math.inf:
        assert np.abs(values).max() > 0.98 * largest


@pytest.mark.parametrize("name", [*SPREADS, "orthogonal", "zeros", "ones", "constant"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_and_seed(name, dtype):
    one, same, other = draw(name, (5, 4), 0, dtype), draw(name, (5, 4), 0, dtype), draw(name, (5, 4), 1, dtype)
    assert one.dtype == dtype and np.array_equal(one, same)
    assert np.array_equal(one, other) == (name in ("zeros", "ones", "constant"))


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 1)])
def test_orthogonal(shape):
    q = draw(initializers.Orthogonal(gain=2.0), shape) / 2
    product = q @ q.T if shape[0] < shape[1] else q.T @ q
    assert product == pytest.approx(np.eye(min(shape)), abs=1e-12)


def test_constants():
    assert (draw("zeros") == 0).all() and (draw("ones") == 1).all() and (draw(initializers.Constant(0.3)) == 0.3).all()


def test_biases_have_fans_too():
    assert np.abs(draw("glorot_uniform", (600,))).max() <= math.sqrt(6 / 1200)
    with pytest.raises(ValueError, match="orthogonal.*two dimensions"):
        draw("orthogonal", (3,))


def test_a_seed_of_its_own():
    chosen = initializers.RandomNormal(seed=3)
    assert np.array_equal(draw(chosen, seed=0), draw(chosen, seed=1))


def test_names_and_callables():
    assert initializers.get("GlorotUniform") == initializers.get("glorot_uniform")

    def own(shape, rng, dtype):
        return np.ones(shape, dtype)

    assert initializers.get(own) is own


CLASSES = {
    "GlorotUniform": "glorot_uniform",
    "GlorotNormal": "glorot_normal",
    "HeUniform": "he_uniform",
    "HeNormal": "he_normal",
    "LecunUniform": "lecun_uniform",
    "LecunNormal": "lecun_normal",
    "RandomUniform": "random_uniform",
    "RandomNormal": "random_normal",
    "TruncatedNormal": "truncated_normal",
}


@pytest.mark.parametrize("name", CLASSES)
def test_class_name_and_snake_case(name):
    cls = getattr(initializers, name)
    assert np.array_equal(draw(cls()), draw(name)) and np.array_equal(draw(cls), draw(CLASSES[name]))
    assert np.array_equal(cls(seed=5)((3, 2)), cls(seed=5)((3, 2))) and not np.array_equal(
        cls(seed=5)((3, 2)), cls(seed=6)((3, 2))
    )
    assert cls(seed=5)((3, 2)).dtype == np.float32 and cls(seed=5)((3, 2), "float64").dtype == np.float64
    assert not np.array_equal(cls()((3, 2)), cls()((3, 2)))
    assert cls()((3, 2), dtype="float64").dtype == np.float64


@pytest.mark.parametrize("name", [*CLASSES, "VarianceScaling", "Orthogonal"])
def test_distribution_as_keras(name):
    """The same quantiles as those of Keras's numbers."""
    keras = pytest.importorskip("keras")
    stats = pytest.importorskip("scipy.stats")
    settings = {"gain": 1.5, "seed": 3} if name == "Orthogonal" else {"seed": 3}
    ours = getattr(initializers, name)(**settings)((300, 200), "float64").ravel()
    theirs = keras.ops.convert_to_numpy(getattr(keras.initializers, name)(**settings)((300, 200))).ravel()
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_identity(shape):
    assert np.array_equal(draw(initializers.Identity(2.0), shape), 2 * np.eye(*shape))
    assert np.array_equal(draw("identity", shape), draw("IdentityInitializer", shape))
    with pytest.raises(ValueError, match="identity.*two dimensions"):
        draw("identity", (3,))


def test_functions_and_objects_as_keras_calls_them():
    class Halves(initializers.Initializer):
        def __call__(self, shape, dtype=None, **settings):
            return np.full(shape, 0.5, dtype)

    def thirds(shape, dtype=None):
        return np.full(shape, 1 / 3, dtype)

    for given, value in ((Halves(), 0.5), (Halves, 0.5), (thirds, 1 / 3), (lambda shape, dtype: np.ones(shape, dtype), 1.0)):
        model = Sequential([Input((2,)), Dense(3, kernel_initializer=given)])
        assert model.get_weights()[0] == pytest.approx(np.full((2, 3), value))
    assert initializers.serialize(initializers.get(thirds)) == "thirds"
    assert initializers.deserialize("thirds", {"thirds": thirds})((1,)).dtype == np.float32


@pytest.mark.parametrize("identifier", ["he_norm", "", 3, None, int, initializers.Initializer()])
def test_what_is_no_initializer(identifier):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match="initializer|must define __call__"):
        initializers.get(identifier)((2, 2))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"scale": 0}, "scale"),
        ({"mode": "fan_inn"}, "fan_inn.*Did you mean 'fan_in'"),
        ({"distribution": "normal"}, "distribution"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_settings(arguments, text):
    with pytest.raises(ValueError, match=text):
        initializers.VarianceScaling(**arguments)
