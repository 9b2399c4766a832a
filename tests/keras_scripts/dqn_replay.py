"""Deep Q-learning from a replay buffer: a target network, one batch at a time, the greedy action."""

import json
from collections import deque

import numpy as np
from keras.layers import Dense, Input
from keras.models import Sequential, clone_model
from keras.optimizers import Adam

GAMMA, rng = 0.95, np.random.default_rng(9)


def step(state, action):
    state = np.clip(state + 0.2 * (action - 1) + 0.05 * rng.normal(size=2), -1, 1)
    return state, -float(np.sum(state**2)), bool(np.all(np.abs(state) < 0.1))


model = Sequential([Input((2,)), Dense(24, "relu"), Dense(24, "relu"), Dense(3, "linear")])
model.compile(loss="huber", optimizer=Adam(learning_rate=0.005))
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
target = clone_model(model)
target.set_weights(model.get_weights())

memory, state, losses = deque(maxlen=500), rng.uniform(-1, 1, 2), []
for count in range(300):
    action = int(rng.integers(3))
    after, reward, done = step(state, action)
    memory.append((state, action, reward, after, done))
    state = rng.uniform(-1, 1, 2) if done else after
    if len(memory) >= 32 and count % 5 == 0:
        drawn = [memory[i] for i in rng.integers(len(memory), size=32)]
        states, actions, rewards, nexts, dones = map(np.array, zip(*drawn, strict=True))
        values = model.predict_on_batch(states)
        values[np.arange(32), actions] = rewards + GAMMA * ~dones * np.amax(target.predict_on_batch(nexts), axis=1)
        losses.append(float(model.train_on_batch(states, values)))
    if count % 50 == 0:
        target.set_weights(model.get_weights())
print(json.dumps({"losses": losses, "action": int(np.argmax(model.predict(np.array([[0.8, 0.8]]), verbose=0)[0]))}))
