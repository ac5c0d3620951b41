from chain import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network(weights, biases, activations, softmax, loss, wrt, wreg)
    y = net.forward_pass(x)
    net.backward_pass(t)
    pairs = net.first.collect()
    return y, net.loss(t), [p[0] for p in pairs], [p[1] for p in pairs]
