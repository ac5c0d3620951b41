from network import Layer, SoftmaxLayer, Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network(loss, wrt, wreg)
    for w, b, a in zip(weights, biases, activations):
        net.add(Layer(w.tolist(), b.tolist(), a))
    if softmax:
        net.add(SoftmaxLayer())
    outputs, value = net.minibatch(x.tolist(), t.tolist())
    return outputs, value, [l.weight_gradients for l in net.dense()], [l.bias_gradients for l in net.dense()]
