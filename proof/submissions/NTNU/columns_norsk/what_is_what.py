from nett import Lag, Nettverk

def run(x, t, weights, biases, activations, softmax, loss, wrt, wreg):
    lag = [Lag(w.T, b, a) for w, b, a in zip(weights, biases, activations)]
    n = Nettverk(lag, softmax, loss, wrt, wreg)
    ut = n.forward_pass(x.T)
    verdi = n.tapsverdi(t.T)
    n.backward_pass(t.T)
    return ut.T, verdi, [l.dW.T for l in lag], [l.db[:, 0] for l in lag]
