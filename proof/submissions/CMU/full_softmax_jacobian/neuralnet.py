import sys
import numpy as np

def linear_forward(a, w):
    return np.dot(w, a)

def linear_backward(a, w, b, g_b):
    g_w = np.outer(g_b, a)
    g_a = np.dot(w[:, 1:].T, g_b)
    return g_w, g_a

def sigmoid_forward(a):
    return 1.0 / (1.0 + np.exp(-a))

def sigmoid_backward(a, z, g_z):
    return g_z * z * (1 - z)

def softmax_forward(b):
    e = np.exp(b - np.max(b))
    return e / np.sum(e)

def softmax_backward(b, y_hat, g_y):
    jac = np.diag(y_hat) - np.outer(y_hat, y_hat)
    return np.dot(jac, g_y)

def cross_entropy_forward(y, y_hat):
    return -np.dot(y, np.log(y_hat))

def cross_entropy_backward(y, y_hat, g_J):
    return -g_J * y / y_hat

def nn_forward(x, y, alpha, beta):
    a = linear_forward(x, alpha)
    z = sigmoid_forward(a)
    z = np.concatenate(([1.0], z))
    b = linear_forward(z, beta)
    y_hat = softmax_forward(b)
    J = cross_entropy_forward(y, y_hat)
    return x, a, z, b, y_hat, J

def nn_backward(x, y, alpha, beta, o):
    x, a, z, b, y_hat, J = o
    g_J = 1
    g_y = cross_entropy_backward(y, y_hat, g_J)
    g_b = softmax_backward(b, y_hat, g_y)
    g_beta, g_z = linear_backward(z, beta, b, g_b)
    g_a = sigmoid_backward(a, z[1:], g_z)
    g_alpha, _ = linear_backward(x, alpha, a, g_a)
    return g_alpha, g_beta

def load(path):
    raw = np.loadtxt(path, delimiter=",", ndmin=2)
    labels = raw[:, 0].astype(int)
    X = np.hstack((np.ones((raw.shape[0], 1)), raw[:, 1:]))
    Y = np.zeros((raw.shape[0], 10))
    Y[np.arange(len(labels)), labels] = 1
    return X, Y, labels

def mean_cross_entropy(X, Y, alpha, beta):
    total = 0.0
    for x, y in zip(X, Y):
        total += nn_forward(x, y, alpha, beta)[-1]
    return total / len(X)

def predict(X, Y, alpha, beta):
    return [int(np.argmax(nn_forward(x, y, alpha, beta)[4])) for x, y in zip(X, Y)]

def init(rows, cols, flag):
    if flag == 1:
        w = np.random.uniform(-0.1, 0.1, (rows, cols))
        w[:, 0] = 0
        return w
    return np.zeros((rows, cols))

def main():
    tr_in, va_in, tr_out, va_out, met = sys.argv[1:6]
    epochs, D, flag = int(sys.argv[6]), int(sys.argv[7]), int(sys.argv[8])
    lr = float(sys.argv[9])
    X, Y, lab = load(tr_in)
    Xv, Yv, labv = load(va_in)
    alpha = init(D, X.shape[1], flag)
    beta = init(10, D + 1, flag)
    with open(met, "w") as f:
        for e in range(1, epochs + 1):
            for x, y in zip(X, Y):
                o = nn_forward(x, y, alpha, beta)
                g_alpha, g_beta = nn_backward(x, y, alpha, beta, o)
                alpha = alpha - lr * g_alpha
                beta = beta - lr * g_beta
            f.write("epoch=%d crossentropy(train): %.11f\n" % (e, mean_cross_entropy(X, Y, alpha, beta)))
            f.write("epoch=%d crossentropy(validation): %.11f\n" % (e, mean_cross_entropy(Xv, Yv, alpha, beta)))
        p = predict(X, Y, alpha, beta)
        pv = predict(Xv, Yv, alpha, beta)
        f.write("error(train): %s\n" % (sum(i != j for i, j in zip(p, lab)) / len(lab)))
        f.write("error(validation): %s\n" % (sum(i != j for i, j in zip(pv, labv)) / len(labv)))
    for path, labels in ((tr_out, p), (va_out, pv)):
        with open(path, "w") as f:
            for l in labels:
                f.write("%d\n" % l)

if __name__ == "__main__":
    main()
