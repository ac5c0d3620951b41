from parser import parse

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    text = "GLOBALS\nloss: %s\nwrt: %s\nwreg: %r\nLAYERS\n" % (loss, wrt, float(wreg))
    for w, a in zip(weights, activations):
        text += "size:%d, act:%s\n" % (w.shape[1], a)
    if softmax:
        text += "type:softmax\n"
    net = parse(text)
    for layer, w, b in zip(net.dense, weights, biases):
        layer.set(w, b)
    y = net.forward_pass(x)
    value = net.total(y, t)
    net.backward_pass(y, t)
    return y, value, [l.weight_gradients for l in net.dense], [l.bias_gradients for l in net.dense]
