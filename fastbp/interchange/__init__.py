"""Networks taken to other programs, and from there: ONNX, PyTorch, C, compiled Python code."""
