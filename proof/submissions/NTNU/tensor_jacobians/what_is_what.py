from jacobinett import BasicLayer, SoftmaxLayer, Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net = Network([BasicLayer(*a) for a in zip(weights, biases, activations)],
                  [SoftmaxLayer()] if softmax else [], loss, wrt, wreg)
    y = net.forward_pass(x)
    value = net.loss_value(y, t)
    gw, gb = net.backward_pass(y, t)
    return y, value, gw, gb
