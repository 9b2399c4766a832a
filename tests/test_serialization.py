"""What is written down makes an equal object again, also after JSON, and where Keras wrote it down."""

import json

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential, initializers, losses, optimizers, utils
from fastbp.optimizers import schedules
from fastbp.serialization import serialize

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's calls of NumPy

SCHEDULES = [
    schedules.ExponentialDecay(0.1, 100, 0.5, staircase=True),
    schedules.InverseTimeDecay(0.1, 100, 0.5),
    schedules.PiecewiseConstantDecay([10, 20], [0.3, 0.2, 0.1]),
    schedules.PolynomialDecay(0.1, 100, 0.01, power=2.0, cycle=True),
    schedules.CosineDecay(0.1, 100, alpha=0.1, warmup_target=0.5, warmup_steps=7),
    schedules.CosineDecayRestarts(0.1, 100, t_mul=1.5, m_mul=0.9, alpha=0.01),
    schedules.OneCycle(0.1, 100, pct_start=0.2, anneal_strategy="linear", three_phase=True),
    schedules.Warmup(schedules.CosineDecay(0.1, 100), 10, 0.01),
    schedules.Warmup(0.1, 10),
]
OPTIMIZERS = [
    optimizers.SGD(0.3, momentum=0.5, nesterov=True, name="mine"),
    optimizers.RMSprop(0.3, rho=0.8, momentum=0.1, epsilon=1e-5, centered=True),
    optimizers.Adagrad(0.3, initial_accumulator_value=0.2),
    optimizers.Adam(0.3, beta_1=0.8, beta_2=0.9, amsgrad=True, weight_decay=0.1),
    optimizers.AdamW(0.3, weight_decay=0.01),
    optimizers.Nadam(0.3, beta_1=0.5, clipvalue=0.5),
    optimizers.Adamax(0.3, beta_1=0.5, global_clipnorm=2.0),
    optimizers.Adadelta(0.3, rho=0.5, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=7),
    optimizers.Lion(0.3, beta_1=0.5, clipnorm=0.1, gradient_accumulation_steps=3),
]
LOSSES = [
    losses.MeanSquaredError(name="mine", reduction="sum"),
    losses.MeanAbsoluteError(),
    losses.MeanAbsolutePercentageError(),
    losses.MeanSquaredLogarithmicError(),
    losses.Huber(0.5),
    losses.LogCosh(),
    losses.Poisson(reduction=None),
    losses.KLDivergence(),
    losses.CosineSimilarity(),
    losses.Hinge(),
    losses.SquaredHinge(),
    losses.CategoricalHinge(),
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    losses.CategoricalCrossentropy(label_smoothing=0.1),
    losses.SparseCategoricalCrossentropy(from_logits=True),
    losses.BinaryFocalCrossentropy(True, alpha=0.3, gamma=1.0),
    losses.CategoricalFocalCrossentropy(alpha=0.3, gamma=1.0),
    losses.Quantile([0.1, 0.9]),
    losses.GaussianNLL(full=True),
    losses.Tweedie(1.3),
    losses.Gamma(log_input=True),
]
INITIALIZERS = [
    initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=3),
    *(
        getattr(initializers, name)(seed=3)
        for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal")
    ),
    initializers.RandomNormal(0.5, 0.1, seed=3),
    initializers.RandomUniform(-1, 2),
    initializers.TruncatedNormal(0.5),
    initializers.Orthogonal(2.0, seed=1),
    initializers.Identity(0.5),
    initializers.Constant(0.3),
    initializers.Zeros(),
    initializers.Ones(),
]
MODULES = {schedules: SCHEDULES, optimizers: OPTIMIZERS, losses: LOSSES, initializers: INITIALIZERS}
CASES = [pytest.param(module, item, id=type(item).__name__) for module, items in MODULES.items() for item in items]


def by_utils(item):
    """There and back where the module is not known."""
    return utils.deserialize_keras_object(json.loads(json.dumps(utils.serialize_keras_object(item))))


@pytest.mark.parametrize(("module", "item"), CASES)
def test_there_and_back(module, item):
    written = module.serialize(item)
    assert set(written) == {"class_name", "config"} and written["class_name"] == type(item).__name__
    read = json.loads(json.dumps(written))
    for made in (module.deserialize(read), type(item).from_config(item.get_config()), by_utils(item)):
        assert type(made) is type(item)
        assert made == item if item not in SCHEDULES else serialize(made) == written
    if module is not schedules:
        assert hasattr(module, "get")


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_an_optimizer_with_a_schedule(schedule):
    optimizer = optimizers.Adam(schedule, beta_1=0.5)
    made = optimizers.get(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert made.beta_1 == 0.5 and serialize(made.schedule) == serialize(schedule)
    assert np.array_equal(made.learning_rates(3, 50), optimizer.learning_rates(3, 50))


def test_every_class_of_a_module_is_among_the_cases():
    for module, items in MODULES.items():
        bases = {"Loss", "Optimizer", "Initializer", "Custom", "LearningRateSchedule", "StepFunction"}
        bases |= {"Solver", "LBFGS", "LevenbergMarquardt"}  # tests/solvers
        classes = {name for name in module.__all__ if isinstance(getattr(module, name), type)} - bases
        assert classes == {type(item).__name__ for item in items}


# -- what Keras writes down


def keras_objects():
    keras = pytest.importorskip("keras")
    for module, items in MODULES.items():
        theirs = keras.optimizers.schedules if module is schedules else getattr(keras, module.__name__.split(".")[1])
        for item in items:
            if hasattr(theirs, type(item).__name__):  # Keras has no OneCycle, no Quantile
                yield module, item, theirs


def test_what_keras_writes_is_read_here():
    """Its defaults for what does not exist here have no effect."""
    for module, item, theirs in keras_objects():
        cls = getattr(theirs, type(item).__name__)
        written = json.loads(json.dumps(theirs.serialize(cls(**item.get_config()))))
        made = module.deserialize(written)
        for name in written["config"].keys() & item.get_config().keys():
            assert made.get_config()[name] == pytest.approx(item.get_config()[name]), (type(item), name)


def test_what_is_written_here_is_read_by_keras():
    for module, item, theirs in keras_objects():
        made = theirs.deserialize(module.serialize(item))
        config = made.get_config()
        assert set(item.get_config()) - set(config) <= {"delta", "gain"}  # which Keras does not write
        for name in config.keys() & item.get_config().keys():
            assert config[name] == pytest.approx(item.get_config()[name]), (type(item), name)


# -- a user's own


def halving(step):
    return 0.1 / 2**step


def test_a_rate_that_is_a_function():
    written = json.loads(json.dumps(optimizers.serialize(optimizers.Lion(halving))))
    with utils.custom_object_scope({"halving": halving}):
        for made in (optimizers.get(written), optimizers.deserialize(written)):
            assert made.learning_rates(0, 3).tolist() == [0.1, 0.05, 0.025]
    with pytest.raises(TypeError, match="function must be .* or the name of a custom object, got 'halving'"):
        optimizers.get(written)
    with pytest.raises(TypeError, match="cannot be written down"):
        optimizers.serialize(optimizers.Lion(lambda step: 0.1))


class Scaled(losses.Loss):
    def __init__(self, scale=1.0, **settings):
        super().__init__(**settings)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * (y_true - y_pred) ** 2


class Hidden(losses.Loss):
    def __init__(self, power):
        super().__init__()
        self._power = power

    def call(self, y_true, y_pred):
        return abs(y_true - y_pred) ** self._power


class Told(Hidden):
    def get_config(self):
        return super().get_config() | {"power": self._power}


def test_a_users_class():
    written = losses.serialize(Scaled(2.0, name="twice"))
    assert written == {
        "class_name": "Scaled",
        "config": {"scale": 2.0, "name": "twice", "reduction": "sum_over_batch_size"},
    }
    made = losses.deserialize(written, custom_objects={"Scaled": Scaled})
    assert made([[1.0]], [[3.0]]) == 8.0 and made.name == "twice"
    with utils.custom_object_scope({"Scaled": Scaled}):
        assert losses.get(written).name == "twice" and losses.get("Scaled").function.__self__.scale == 1.0  # to train with
        assert utils.deserialize_keras_object(written).scale == 2.0
    with pytest.raises(ValueError, match="Scaled"):
        losses.get(written)


def test_a_class_that_cannot_be_written_down_says_so():
    with pytest.raises(NotImplementedError, match="Hidden must define get_config.*'power'"):
        Hidden(3).get_config()
    assert Told(3).get_config()["power"] == 3


def test_a_models_loss_is_written_as_what_it_was():
    model = Sequential([Input((1,)), Dense(1)])
    for given in (Scaled(2.0), losses.Hinge(), losses.Huber(0.5)):
        model.compile("sgd", given)
        assert serialize(model.loss) == serialize(given)
    model.compile("sgd", own)
    assert serialize(model.loss) == "own"


def own(y_true, y_pred):
    return abs(y_true - y_pred)


def test_functions_are_names():
    assert losses.serialize(own) == "own"
    assert losses.deserialize("own", {"own": own}).function is own
    assert losses.serialize(losses.mean_squared_error) == "mean_squared_error"
    assert losses.deserialize({"class_name": "function", "config": "mean_squared_error"}) == losses.MeanSquaredError()
    with pytest.raises(TypeError, match="cannot be written down"):
        losses.serialize(lambda y_true, y_pred: y_true - y_pred)


def test_registered_names():
    @utils.register_keras_serializable(package="mine")
    def thirds(shape, dtype=None):
        return np.full(shape, 1 / 3, dtype)

    try:
        assert initializers.get("thirds")((2,)).tolist() == pytest.approx([1 / 3] * 2)
        assert utils.get_custom_objects()["thirds"] is thirds
    finally:
        del utils.get_custom_objects()["thirds"]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optimizers.deserialize({"class_name": "Adamm", "config": {}}), ValueError, "Did you mean 'adam'"),
        (lambda: optimizers.deserialize({"class_name": "Lamb", "config": {}}), ValueError, "Lamb.*use AdamW"),
        (lambda: optimizers.deserialize({"class_name": "Adam", "config": {"lr": 1}}), TypeError, "use learning_rate"),
        (lambda: losses.deserialize(3), TypeError, "loss must be"),
        (lambda: utils.deserialize_keras_object({"class_name": "Nothing"}), ValueError, "Nothing.*custom_objects"),
        (lambda: utils.deserialize_keras_object("Adam"), TypeError, "class_name"),
    ],
)
def test_what_cannot_be_read(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_arrays_and_nested_settings():
    value = {"a": (1, np.float32(0.5)), "b": np.arange(3), "c": fastbp.initializers.Zeros()}
    assert serialize(value) == {"a": [1, 0.5], "b": [0, 1, 2], "c": {"class_name": "Zeros", "config": {}}}
