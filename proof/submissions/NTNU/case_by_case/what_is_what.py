import numpy as np
from nn import Layer, Net

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    # my W is (units, inputs): transposed here and back again at the end
    layers = []
    for k in range(len(weights)):
        layers.append(Layer(np.array(weights[k]).T.copy(), np.array(biases[k]), activations[k]))
    net = Net(layers, softmax, loss, wrt, wreg)
    outs, value = net.run_batch(np.array(x), np.array(t))
    return outs, value, [l.JW.T for l in layers], [l.JB for l in layers]
