import net as minenet

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    layers = [minenet.Layer(weights[i], biases[i], activations[i]) for i in range(len(weights))]
    n = minenet.Net(layers, minenet.Output(softmax, loss), wrt, wreg)
    y = n.forward_pass(x)
    c = n.cost(t)
    n.backward_pass(t)
    return y, c, [l.grad[:-1] for l in layers], [l.grad[-1] for l in layers]
