"""The computational graph: a formula as nodes, the chain rule over them, and one compiled loop for both.

>>> import fastbp
>>> graph = fastbp.trace(lambda w, x: fastbp.mean((fastbp.tanh(w * x) - 1.0) ** 2), 0.5, [1.0, 2.0])
>>> print(graph)
graph of <lambda>(w, x[2]):
    v1 = w * x
    v2 = tanh(v1)
    v3 = v2 - 1.0
    v4 = v3 * v3
    v5 = sum(v4)
    v6 = v5 / size(x)
    return v6
"""
