from tinytorch import Network, Criterion, Penalty

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    net, crit, pen = Network(weights, biases, activations, softmax), Criterion(loss), Penalty(wrt, wreg)
    net.zero_grad()
    y = net(x)
    value = crit(y, t) + pen.value(net)
    net.backward_pass(crit.backward_pass())
    pen.backward_pass(net)
    return y, value, [m.weight.grad for m in net.linears()], [m.bias.grad for m in net.linears()]
