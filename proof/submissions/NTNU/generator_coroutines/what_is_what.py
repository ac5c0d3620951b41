import net

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    n = net.Network(weights, biases, activations, softmax, loss, wrt, wreg)
    y = n.forward_pass(x)
    value = n.backward_pass(t)
    return y, value, tuple(l.gw for l in n.dense), tuple(l.gb for l in n.dense)
