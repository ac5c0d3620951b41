import numpy as np
from neuron_net import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network([w.tolist() for w in weights], [b.tolist() for b in biases], activations, softmax, loss, wrt, wreg)
    outs, total = net.batch(x.tolist(), t.tolist())
    gw, gb = net.gradients()
    return np.array(outs), total, [np.array(g) for g in gw], [np.array(g) for g in gb]
