"""Five folds: a model made anew for each, the session cleared between, the mean of the scores."""

import json

import keras
import numpy as np
from keras import backend
from keras.layers import Dense
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

x, y = load_breast_cancer(return_X_y=True)
x = 5 * keras.utils.normalize((x - x.mean(axis=0)) / x.std(axis=0), axis=1)


def initial(shape, dtype=None):
    return np.random.default_rng(28).normal(0, 0.2, shape).astype(dtype or "float32")


def create_model():
    model = keras.models.Sequential()
    model.add(Dense(16, input_dim=30, kernel_initializer=initial, activation="relu"))
    model.add(Dense(1, kernel_initializer=initial, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


scores = []
for train, test in StratifiedKFold(n_splits=5, shuffle=True, random_state=7).split(x, y):
    backend.clear_session()
    model = create_model()
    model.fit(x[train], y[train], epochs=5, batch_size=10, shuffle=False, verbose=0)
    scores.append(model.evaluate(x[test], y[test], verbose=0))
    print(f"{model.metrics_names[1]}: {scores[-1][1] * 100:.2f}%")
print(json.dumps({"scores": scores, "mean": float(np.mean([score[1] for score in scores]))}))
