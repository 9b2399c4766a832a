"""A script for Keras and the same for fastbp, side by side: which tumours are malignant?

    python examples/from_keras.py [--epochs 40] [--picture from_keras.png]

569 tumours, thirty measurements of each (scikit-learn's breast cancer data). A missed malignant tumour counts four times as
much as a false alarm. The rate falls when the validation loss stops falling, and then the fit ends with the best weights.

``with_keras`` is the script as it was; ``with_fastbp`` differs from it in the name of the package and nowhere else. Where Keras
is installed both run, from the same weights over the same batches, and their losses, metrics and times are compared; else
only fastbp's does.

Exits with 1 if the two come to different numbers, or if a malignant tumour in fifteen is missed.
"""

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

TOLERANCE = 1e-4  # between the two, relative: single precision, and sums in another order


def with_keras(train, test, epochs):
    import keras
    from keras import layers
    from keras.callbacks import EarlyStopping, ReduceLROnPlateau

    (x, y), (x_test, y_test) = train, test
    model = keras.Sequential(
        [
            keras.Input(shape=(x.shape[1],)),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(16, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="tumours",
    )
    model.set_weights(first_weights(model))
    model.summary()
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=2e-3),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.Recall(name="recall"), keras.metrics.AUC(name="auc")],
    )
    history = model.fit(
        x,
        y,
        batch_size=32,
        epochs=epochs,
        validation_split=0.2,
        class_weight={0: 1.0, 1: 4.0},
        callbacks=[
            ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=3, min_lr=1e-5),
            EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True),
        ],
        shuffle=False,
        verbose=0,
    )
    return model, history, model.evaluate(x_test, y_test, verbose=0, return_dict=True)


def with_fastbp(train, test, epochs):
    import fastbp
    from fastbp import layers
    from fastbp.callbacks import EarlyStopping, ReduceLROnPlateau

    (x, y), (x_test, y_test) = train, test
    model = fastbp.Sequential(
        [
            fastbp.Input(shape=(x.shape[1],)),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(16, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="tumours",
    )
    model.set_weights(first_weights(model))
    model.summary()
    model.compile(
        optimizer=fastbp.optimizers.Adam(learning_rate=2e-3),
        loss="binary_crossentropy",
        metrics=["accuracy", fastbp.metrics.Recall(name="recall"), fastbp.metrics.AUC(name="auc")],
    )
    history = model.fit(
        x,
        y,
        batch_size=32,
        epochs=epochs,
        validation_split=0.2,
        class_weight={0: 1.0, 1: 4.0},
        callbacks=[
            ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=3, min_lr=1e-5),
            EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True),
        ],
        shuffle=False,
        verbose=0,
    )
    return model, history, model.evaluate(x_test, y_test, verbose=0, return_dict=True)


def main():
    options = parse_options()
    train, test = data()
    seconds, (model, history, result) = timed(with_fastbp, train, test, options.epochs)
    missed = round((1 - result["recall"]) * test[1].sum())
    print(f"\nfastbp: {len(history.epoch)} epochs, {seconds:.2f} s, test {told(result)}")
    print(f"of {test[1].sum():.0f} malignant tumours, {missed} missed")
    history.plot(options.picture)
    print(f"learning curves in {options.picture}")
    if importlib.util.find_spec("keras") is None:
        print("Keras is not installed: pip install keras torch")
    else:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        seconds, (other, theirs, keras_result) = timed(with_keras, train, test, options.epochs)
        print(f"\nKeras:  {len(theirs.epoch)} epochs, {seconds:.2f} s, test {told(keras_result)}")
        largest = difference(history.history | result, theirs.history | keras_result)
        print(f"largest difference of a loss or metric: {largest:.1g} of it")
        if largest > TOLERANCE:
            sys.exit(f"the two should agree to {TOLERANCE:g}")
    if result["recall"] < 14 / 15:
        sys.exit(f"at most one malignant tumour in fifteen should be missed, got {missed}")


def data():
    """Training and test data: measurements of mean 0 and deviation 1, and 1 where a tumour is malignant."""
    x, y = load_breast_cancer(return_X_y=True)
    y = 1.0 - y
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
    scaler = StandardScaler().fit(x)
    return (scaler.transform(x).astype("float32"), y), (scaler.transform(x_test).astype("float32"), y_test)


def first_weights(model):
    """The same for both: kernels of He's deviation, biases of 0."""
    rng = np.random.default_rng(0)
    shapes = [weight.shape for weight in model.get_weights()]
    return [rng.normal(0, np.sqrt(2 / shape[0]), shape) if len(shape) > 1 else np.zeros(shape) for shape in shapes]


def timed(script, *arguments):
    """How long a script takes, and what it gives."""
    start = time.perf_counter()
    given = script(*arguments)
    return time.perf_counter() - start, given


def told(result):
    return ", ".join(f"{name} {value:.4f}" for name, value in result.items())


def difference(ours, theirs):
    """The largest relative difference between numbers of the same name."""
    if set(ours) != set(theirs):
        return float("inf")
    pairs = [(np.atleast_1d(ours[name]), np.atleast_1d(theirs[name])) for name in ours]
    if any(one.shape != other.shape for one, other in pairs):
        return float("inf")
    return max(float(np.max(np.abs(one - other) / np.maximum(np.abs(other), 1e-7))) for one, other in pairs)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_suffix(".png"))
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    if not options.picture.parent.is_dir():
        parser.error(f"--picture: there is no folder {options.picture.parent}")
    return options


if __name__ == "__main__":
    main()
