from layers import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    n = Network(weights, biases, activations, softmax, loss, wrt, wreg)
    value = n.forward_pass(x, t)
    n.backward_pass()
    return n.y, value, [a.dW for a in n.affine()], [a.db for a in n.affine()]
