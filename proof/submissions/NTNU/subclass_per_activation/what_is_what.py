from nettverk import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network(weights, biases, activations, softmax, loss, wrt, wreg, verbose=True)
    y = net.forward_pass(x)
    net.backward_pass(t)
    return y, net.value(t), [l.gw for l in net.layers], [l.gb for l in net.layers]
