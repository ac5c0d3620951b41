from model import Network

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    params = {}
    for k in range(len(weights)):
        params['W', k] = weights[k]
        params['b', k] = biases[k]
    net = Network(params, list(activations), softmax, loss, wrt, wreg)
    y = net.forward_pass(x)
    g = net.backward_pass(y, t)
    return y, net.loss_value(y, t), [g['W', k] for k in range(len(weights))], [g['b', k] for k in range(len(weights))]
