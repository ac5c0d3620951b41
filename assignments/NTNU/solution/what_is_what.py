"""Where the pieces of this network are, for the one who marks it."""

from network import Layer, Network, Softmax


def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    """One forward and one backward pass."""
    layers = [Layer(*one) for one in zip(weights, biases, activations, strict=True)]
    network = Network(layers + [Softmax()] * softmax, loss, wrt, wreg)
    y = network.forward_pass(x)
    network.backward_pass(y, t)
    gradients = [(layer.J_W, layer.J_b) for layer in layers]
    return y, network.loss_of(y, t), [W for W, _ in gradients], [b for _, b in gradients]
