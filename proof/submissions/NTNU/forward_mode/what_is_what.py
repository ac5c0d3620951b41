from dual import Layer, Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network([Layer(w, b, a) for w, b, a in zip(weights, biases, activations)], softmax, loss, wrt, wreg)
    y = net.forward_pass(x)
    gw, gb = net.backward_pass(t)
    return y, net.value(t), gw, gb
