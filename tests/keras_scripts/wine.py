"""Three cultivars of wine from thirteen measurements: integer labels, and a rate that falls on a plateau."""

import json

import numpy as np
from keras import Input, Sequential
from keras.callbacks import ReduceLROnPlateau
from keras.layers import Dense
from keras.optimizers import Adam
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

rng = np.random.default_rng(4)
model = Sequential([Input((13,)), Dense(24, "relu"), Dense(12, "relu"), Dense(3, "softmax")], name="wine")
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.weights])
model.compile(Adam(0.03), loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
plateau = ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_delta=1e-3, cooldown=1, min_lr=1e-4)
history = model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=20,
    validation_data=(x_test, y_test),
    callbacks=[plateau],
    shuffle=False,
    verbose=0,
)
print("rates", history.history["learning_rate"])
print(json.dumps({**history.history, "test": model.evaluate(x_test, y_test, verbose=0)}))
