"""Trained networks for other programs: ONNX, PyTorch, safetensors, JSON, and C."""
