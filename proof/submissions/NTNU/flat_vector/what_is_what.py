from vektor import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network(weights, biases, activations, softmax, loss, wrt, wreg)
    y = net.forward_pass(x)
    value = net.backward_pass(y, t)
    return y, value, [l.gw for l in net.layers], [l.gb for l in net.layers]
