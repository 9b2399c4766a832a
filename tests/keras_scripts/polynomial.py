"""A curve through points, x of shape (n,): learnt slopes (PReLU), ELU as a layer, early stopping on the loss."""

import json

import keras
import numpy as np
from keras.layers import ELU, Dense, PReLU

x = np.linspace(-1, 1, 200)
y = 4 * x**3 - 3 * x
model = keras.Sequential()
model.add(keras.Input(shape=(1,)))
model.add(Dense(16))
model.add(PReLU(alpha_initializer=keras.initializers.Constant(0.25)))
model.add(Dense(16))
model.add(ELU(alpha=0.5))
model.add(Dense(1))
rng = np.random.default_rng(26)
for layer in model.layers:
    if isinstance(layer, Dense):
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mae")
stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=0.01, patience=2, mode="min", verbose=0)
history = model.fit(x, y, batch_size=20, epochs=30, callbacks=[stop], shuffle=False, verbose=0)
slopes = model.layers[1].get_weights()[0]
print("epochs", len(history.epoch), "slopes", slopes.round(2))
print(
    json.dumps(
        {
            **history.history,
            "slopes": [slopes.size, float(slopes.mean())],
            "at_one": model.predict(np.ones(1), verbose=0).tolist(),
        }
    )
)
