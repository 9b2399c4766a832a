"""PyTorch: eager with fused optimizers, and with torch.compile."""

import torch
from workloads import NORM_EPSILON

from .peer import EPSILON, Peer

CHUNK = 4096  # rows of a large prediction that go through all layers together


class Eager(Peer):
    def make(self):
        torch.set_num_threads(self.w.threads)
        self.x, self.y = torch.from_numpy(self.x), torch.from_numpy(self.y)
        modules, kind = [], getattr(torch, self.w.dtype)
        for inputs, units in zip(self.w.sizes[:-2], self.w.sizes[1:-1], strict=True):
            activation = torch.nn.Tanh() if self.w.activation == "tanh" else torch.nn.ReLU()
            modules += [torch.nn.Linear(inputs, units, dtype=kind), activation]
            modules += [torch.nn.LayerNorm(units, NORM_EPSILON, dtype=kind)] if self.w.normalizes else []
            modules += [torch.nn.Dropout(self.w.dropout)] if self.w.dropout else []
        self.net = torch.nn.Sequential(*modules, torch.nn.Linear(*self.w.sizes[-2:], dtype=kind))
        self.measure = torch.nn.CrossEntropyLoss() if self.w.classes else torch.nn.MSELoss()
        self.forward, self.measured = self.net, self._loss

    def restart(self):
        with torch.no_grad():
            for parameter, value in zip(self.net.parameters(), self.weights, strict=True):
                parameter.copy_(torch.from_numpy(value.T.copy()))
        if self.w.optimizer == "adam":
            self.optimizer = torch.optim.Adam(self.net.parameters(), self.rate, eps=EPSILON, fused=True)
        else:
            momentum = 0.9 if self.w.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(self.net.parameters(), self.rate, momentum=momentum, fused=True)

    def _loss(self, x, y):
        return self.measure(self.net(x), y)

    def _step(self, x, y):
        self.optimizer.zero_grad()
        self.measured(x, y).backward()
        self.optimizer.step()

    def step(self, rows):
        self._step(self.x[rows], self.y[rows])

    def train(self, epochs):
        for _ in range(epochs):
            order = torch.randperm(len(self.x))
            for x, y in zip(self.x[order].split(self.w.batch), self.y[order].split(self.w.batch), strict=True):
                self._step(x, y)

    def loss(self):
        self.net.eval()
        with torch.inference_mode():
            measured = float(self.measure(self.predict(), self.y))
        self.net.train()
        return measured

    def predict(self):
        with torch.inference_mode():
            if len(self.x) <= CHUNK:
                return self.forward(self.x)
            return torch.cat([self.forward(x) for x in self.x.split(CHUNK)])


class Compiled(Eager):
    """Forward and loss are compiled together, and the backward pass with them."""

    def make(self):
        super().make()
        self.measured = torch.compile(self._loss)
        if self.w.predicts:
            self.forward = torch.compile(self.net)
