"""Models go on out of files, pickles and copies as if they had never been left."""

import copy
import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import fastbp
from fastbp import Dense, Input, Sequential
from fastbp.engine.packed import PackedRows
from fastbp.engine.parameters import Parameters
from fastbp.engine.state import TrainingState
from fastbp.layers.stages import stages_of
from fastbp.saving.description import described
from kept_models import MODELS, X, Y, assert_same, dense, trained


def same_settings(one, other):
    a, b = described(one), described(other)
    assert a.settings == b.settings
    assert list(a.arrays) == list(b.arrays)
    assert all(whole(a.arrays[name]).tobytes() == whole(b.arrays[name]).tobytes() for name in a.arrays)


def whole(array):
    return array.whole() if isinstance(array, PackedRows) else array


@pytest.mark.parametrize("shape", [(1, 1), (3, 37), (700, 513), (2, 300_001), (5000, 60), (4, 262_144)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_of_any_size_are_written_in_blocks(shape, dtype, tmp_path):
    """Rows of less and of more than a block, and panels of every kind: another reader finds what get_weights gives."""
    load_file = pytest.importorskip("safetensors.numpy").load_file
    model = fastbp.Sequential([fastbp.Input(shape[:1]), fastbp.Dense(shape[1])], seed=1, dtype=dtype)
    kernel, bias = np.random.default_rng(0).normal(size=shape), np.arange(shape[1])
    model.set_weights([kernel, bias])
    model.predict(np.ones((1, shape[0])))  # it has an engine
    model.save_weights(tmp_path / "weights.safetensors")
    found = load_file(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(found["weights/dense/kernel"], kernel.astype(dtype))
    np.testing.assert_array_equal(found["weights/dense/bias"], bias)
    model.set_weights([np.zeros(shape), np.zeros(shape[1])])
    model.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(model.get_weights()[0], kernel.astype(dtype))


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_goes_on_with_the_very_bits(name, tmp_path):
    model = trained(name)
    before = described(model)
    model.save(tmp_path / "model.keras")
    loaded = fastbp.load_model(tmp_path / "model.keras")
    same_settings(model, loaded)
    assert described(model).settings == before.settings  # saving has changed nothing
    loaded.save(tmp_path / "again.h5")  # what has not been used yet, too
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    again = fastbp.load_model(tmp_path / "again.h5")
    assert_same(model, loaded)
    for other in (*copies, again):
        same_settings(other, other) if other is again else None
        other.fit(X, Y, batch_size=16, epochs=2, verbose=0)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("way", ["file", "pickle"])
def test_in_the_midst_of_training(way, tmp_path):
    """Saved by a callback after a batch: what is left of the fit is not in it, all that was done is."""
    left = []

    def leave(batch, logs):
        if len(left) == 0 and model.optimizer.iterations == 0:
            model.save(tmp_path / "m")
            left.append(fastbp.load_model(tmp_path / "m") if way == "file" else pickle.loads(pickle.dumps(model)))
            left.append([w.copy() for w in model.get_weights()])

    model = dense()
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[fastbp.callbacks.LambdaCallback(on_train_batch_end=leave)])
    assert all(a.tobytes() == b.tobytes() for a, b in zip(left[0].get_weights(), left[1], strict=True))
    left[0].fit(X, Y, epochs=1, verbose=0)
    assert left[0].optimizer.iterations == 4  # 1 and 3 of 32 rows


def test_what_is_not_compiled_and_what_is_not_trained(tmp_path):
    model = Sequential([Input((6,)), Dense(3)], seed=0)
    model.save(tmp_path / "a")
    loaded = fastbp.load_model(tmp_path / "a")
    assert loaded.optimizer is None and loaded.loss is None
    assert_same(model, loaded)
    for one in (model, loaded):
        one.compile("adam", "mse")
    assert_same(model, loaded)
    fresh = dense()
    with pytest.raises(ValueError, match="save needs a built model"):
        fresh.save(tmp_path / "b")
    assert os.listdir(tmp_path) == ["a"]
    fresh.build((None, 6))
    fresh.save(tmp_path / "b")
    assert_same(fresh, fastbp.load_model(tmp_path / "b"))


def test_without_compiling(tmp_path):
    model = trained("adam")
    model.save(tmp_path / "m")
    loaded = fastbp.load_model(tmp_path / "m", compile=False)
    assert loaded.optimizer is None
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    with pytest.raises(ValueError, match="compiled"):
        loaded.fit(X, Y, verbose=0)


def test_compiling_anew_starts_the_optimizer_afresh(tmp_path):
    """Whether or not the loaded model has been used."""
    model = trained("adam")
    model.save(tmp_path / "m")
    others = [fastbp.load_model(tmp_path / "m"), pickle.loads(pickle.dumps(model))]
    for one in (model, *others):
        one.compile("adam", "mae")
    for other in others:
        assert other.optimizer.iterations == 0
        assert_same(copy.deepcopy(model), other)


def test_the_names_of_columns_and_the_learning_rate_as_it_was_set(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    model = dense()
    model.fit(frame, Y, verbose=0)
    model.optimizer.learning_rate = 0.25
    model.save(tmp_path / "m")
    loaded = fastbp.load_model(tmp_path / "m")
    assert loaded.optimizer.learning_rate == 0.25
    with pytest.raises(ValueError, match="must have the columns that the model was fitted with"):
        loaded.predict(frame[list("fedcba")])


def test_more_layers_after_loading(tmp_path):
    model = dense()
    model.build((None, 6))
    model.save(tmp_path / "m")
    loaded = fastbp.load_model(tmp_path / "m")
    for one in (model, loaded):
        one.add(Dense(2))
        one.compile("sgd", "mse")
    assert all(a.tobytes() == b.tobytes() for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))


def test_a_class_of_ones_own(tmp_path):
    class Mine(Sequential):
        pass

    model = Mine([Input((2,)), Dense(1)])
    model.save(tmp_path / "m")
    with pytest.raises(fastbp.ModelFileError, match="custom_objects={'Mine': Mine}"):
        fastbp.load_model(tmp_path / "m")
    assert type(fastbp.load_model(tmp_path / "m", {"Mine": Mine})) is Mine
    with fastbp.utils.custom_object_scope({"Mine": Mine}):
        assert type(fastbp.load_model(tmp_path / "m")) is Mine
    with pytest.raises(fastbp.ModelFileError, match="must derive from Sequential"):
        fastbp.load_model(tmp_path / "m", {"Mine": int})


# ------------------------------------------------------------------------------------------------------ weights alone


def test_weights_alone(tmp_path):
    model = trained("normalized")
    model.save_weights(tmp_path / "m.weights.h5")
    other = MODELS["normalized"]()
    with pytest.raises(ValueError, match="load_weights needs a built model"):
        other.load_weights(tmp_path / "m.weights.h5")
    other.build((None, 6))
    other.load_weights(tmp_path / "m.weights.h5")
    assert model.predict(X).tobytes() == other.predict(X).tobytes()
    model.save(tmp_path / "m.keras")
    third = MODELS["normalized"]()
    third.build((None, 6))
    third.load_weights(tmp_path / "m.keras")  # a file of the whole model has them too
    assert model.predict(X).tobytes() == third.predict(X).tobytes()
    with pytest.raises(fastbp.ModelFileError, match="make the model and call model.load_weights"):
        fastbp.load_model(tmp_path / "m.weights.h5")


def test_weights_that_do_not_fit(tmp_path):
    model = Sequential([Input((6,)), Dense(4, name="first"), Dense(3)], seed=0)
    model.save_weights(tmp_path / "w")
    other = Sequential([Input((6,)), Dense(4), Dense(2)], seed=1)
    before = other.get_weights()
    with pytest.raises(fastbp.ModelFileError, match=r"its 'dense/kernel' has the shape \(4, 3\), the model's .* \(4, 2\)"):
        other.load_weights(tmp_path / "w")
    assert all((a == b).all() for a, b in zip(before, other.get_weights(), strict=True))
    with pytest.warns(UserWarning, match="left layers as they were .*: dense_1"):
        other.load_weights(tmp_path / "w", skip_mismatch=True)
    own = other.get_weights()
    assert (own[0] == model.get_weights()[0]).all() and (own[2] == before[2]).all()
    with pytest.raises(fastbp.ModelFileError, match="it has 4 arrays, the model 2"):
        Sequential([Input((6,)), Dense(4)]).load_weights(tmp_path / "w")


# ------------------------------------------------------------------------------------------ another width of vectors


@pytest.mark.parametrize("name", ["adam", "normalized", "prelu", "averaged"])
def test_a_record_is_the_same_for_any_width_of_vectors(name):
    model = trained(name)
    record, optimizer = model._training_record(), model.optimizer
    for lanes in (2, 4, 8, 16):
        parameters = Parameters(stages_of(list(model.leaves()), 6, model._trained), "float32", lanes)
        parameters.set_weights(model.get_weights())
        state = TrainingState(parameters, 0)
        state.reset_optimizer(optimizer)
        state.resume(record)
        again = state.record()
        assert again.steps == record.steps and again.generator == record.generator
        for slot, other in zip(record.slots, again.slots, strict=True):
            assert all(a.tobytes() == b.tobytes() for a, b in zip(slot, other, strict=True))
        copied = [w.tobytes() for w in parameters.arrays(parameters.copy_weights()[: parameters.size])]
        assert copied == [w.tobytes() for w in model.get_weights()]


def test_padding_keeps_what_the_optimizer_begins_with():
    """Or it would divide nothing by nothing there, and every weight would look as if it were not a number."""
    model = trained("adagrad")
    loaded = pickle.loads(pickle.dumps(model))
    loaded.fit(X, Y, epochs=1, verbose=0)
    assert loaded._engine.state.is_finite()
    parameters = loaded._engine.state.parameters
    real = np.zeros(parameters.size, bool)
    parameters.fill(real.view(np.uint8), [np.ones(w.shape) for w in loaded.get_weights()])
    assert (parameters.slot(0)[~real] == np.float32(0.3)).all() and not real.all()


# --------------------------------------------------------------------------------------------------------- arguments


def test_arguments(tmp_path):
    model = trained("sgd", epochs=1)
    model.save(tmp_path / "m.keras", save_format="keras", zipped=True, include_optimizer=True)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(TypeError, match="compile=False"):
        model.save(tmp_path / "m.keras", include_optimizer=False)
    with pytest.raises(TypeError, match="filepath must be a path"):
        model.save(3)
    with pytest.raises(TypeError, match="overwrite must be True or False"):
        model.save(tmp_path / "m.keras", "yes")
    with pytest.raises(TypeError, match="load_model has no argument 'options'"):
        fastbp.load_model(tmp_path / "m.keras", options=1)
    assert fastbp.load_model(tmp_path / "m.keras", safe_mode=True).name == model.name
    fastbp.models.save_model(model, str(tmp_path / "n"))
    assert fastbp.models.load_model(os.fsencode(tmp_path / "n")).name == model.name
    fastbp.saving.save_weights(model, tmp_path / "w")
    fastbp.saving.load_weights(model, tmp_path / "w")
    with pytest.raises(TypeError, match="model must be a Model"):
        fastbp.models.save_model(SimpleNamespace(), tmp_path / "m")
