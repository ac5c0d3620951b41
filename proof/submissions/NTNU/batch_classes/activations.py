import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def d_sigmoid(z):
    s = sigmoid(z)
    return s * (1 - s)

def d_tanh(z):
    return 1 - np.tanh(z) ** 2

def relu(z):
    return np.maximum(z, 0)

def d_relu(z):
    return (z > 0).astype(float)

def linear(z):
    return z

def d_linear(z):
    return np.ones_like(z)

ACTIVATIONS = {"sigmoid": (sigmoid, d_sigmoid), "tanh": (np.tanh, d_tanh),
               "relu": (relu, d_relu), "linear": (linear, d_linear)}
