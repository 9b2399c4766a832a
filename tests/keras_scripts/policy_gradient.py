"""REINFORCE on a bandit with a context: actions drawn from the policy, returns as sample weights of one batch."""

import json

import keras
import numpy as np
from keras.layers import Dense

rng = np.random.default_rng(27)
policy = keras.Sequential([keras.Input((3,)), Dense(16, activation="tanh"), Dense(2, activation="softmax")])
policy.set_weights([rng.normal(0, 0.4, w.shape) for w in policy.get_weights()])
policy.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy")

losses, rewards = [], []
for _ in range(30):
    context = rng.uniform(-1, 1, (64, 3)).astype("float32")
    probability = policy.predict_on_batch(context)[:, 1]
    action = (rng.uniform(size=64) < probability).astype("int32")
    reward = np.where((context.sum(axis=1) > 0) == action, 1.0, 0.0)
    rewards.append(float(reward.mean()))
    losses.append(float(policy.train_on_batch(context, action, sample_weight=reward)))
print("reward", rewards[0], "to", rewards[-1])
print(json.dumps({"losses": losses, "rewards": rewards}))
