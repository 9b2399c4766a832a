"""Customers who leave: a table of numbers and categories, a sigmoid, precision and recall."""

import json

import numpy as np
import pandas as pd
from keras.layers import Dense, Input
from keras.metrics import Precision, Recall
from keras.models import Sequential

rng = np.random.default_rng(2)
table = pd.DataFrame(
    {
        "tenure": rng.integers(0, 72, 800),
        "monthly": rng.normal(65, 30, 800),
        "contract": rng.choice(["month", "year", "two years"], 800),
        "support": rng.choice(["yes", "no"], 800),
    }
)
score = 0.02 * (table.monthly - 65) - 0.04 * (table.tenure - 36) + 1.5 * (table.contract == "month") - 1
table["churn"] = (score + rng.logistic(size=800) > 0).astype(int)
data = pd.get_dummies(table, columns=["contract", "support"], dtype=float)
y = data.pop("churn")
data = (data - data.mean()) / data.std()

model = Sequential([Input(shape=(data.shape[1],)), Dense(16, activation="relu"), Dense(8, activation="relu")])
model.add(Dense(1, activation="sigmoid"))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(
    optimizer="adam", loss="binary_crossentropy", metrics=["accuracy", Precision(name="precision"), Recall(name="recall")]
)
history = model.fit(data[:600], y[:600], epochs=10, batch_size=32, shuffle=False, verbose=0)
results = model.evaluate(data[600:], y[600:], verbose=0, return_dict=True)
churned = (model.predict(data[600:], verbose=0) > 0.5).astype(int).ravel()
print("predicted", churned.sum(), "of", y[600:].sum())
print(json.dumps({**history.history, "test": results, "predicted": int(churned.sum())}))
