from network import Network
from layers import DenseLayer, SoftmaxLayer

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    layers = [DenseLayer(w, b, a) for w, b, a in zip(weights, biases, activations)]
    dense = list(layers)
    if softmax:
        layers.append(SoftmaxLayer())
    net = Network(layers, loss, wrt, wreg)
    y = net.forward_pass(x)
    loss_value = net.total_loss(y, t)
    net.backward_pass(y, t)
    return y, loss_value, [d.weight_gradient for d in dense], [d.bias_gradient for d in dense]
