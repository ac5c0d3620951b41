import numpy as np
from math import pi

def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))

def sigmoid_derivative(z):
    return 0.25 * (1 - np.tanh(0.5 * z) ** 2)

def swish(z):
    return z * sigmoid(z)

def swish_derivative(z):
    f = swish(z)
    return f + sigmoid(z) * (1 - f)

def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

def elu_derivative(z):
    return np.where(z > 0, 1.0, elu(z) + 1)

def gelu(z):
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / pi) * (z + 0.044715 * z ** 3)))

def gelu_derivative(z):
    u = np.sqrt(2 / pi) * (z + 0.044715 * z ** 3)
    du = np.sqrt(2 / pi) * (1 + 0.134145 * z ** 2)
    th = np.tanh(u)
    return 0.5 * (1 + th) + 0.5 * z * (1 - th ** 2) * du

def leaky_relu(z):
    return np.maximum(z, 0.01 * z)

def leaky_relu_derivative(z):
    return np.where(z < 0, 0.01, 1.0)

def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))

def softplus_derivative(z):
    return sigmoid(z)
