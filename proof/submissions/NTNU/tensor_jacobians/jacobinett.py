"""All Jacobians of the lecture written out as tensors, with einsum.
c = case, i = unit upstream, j = unit of this layer, k = the same unit as summed input."""
import numpy as np

_act = {
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(z / 2)), lambda y: y - y ** 2),
    "tanh": (np.tanh, lambda y: 1 - y ** 2),
    "relu": (lambda z: np.clip(z, 0, None), lambda y: np.where(y > 0, 1.0, 0.0)),
    "linear": (lambda z: z.copy(), np.ones_like),
}

class BasicLayer:
    def __init__(self, w, b, act):
        self.w, self.b = w, b
        self.f, self.df = _act[act]

    def forward_pass(self, x):
        self.x = x
        self.y = self.f(np.einsum("ci,ij->cj", x, self.w) + self.b)
        return self.y

    def backward_pass(self, J_L_N):
        eye = np.eye(self.b.size)
        J_N_sum = np.einsum("cj,jk->cjk", self.df(self.y), eye)
        delta = np.einsum("cj,cjk->ck", J_L_N, J_N_sum)
        J_sum_M = self.w.T                                      # (k, i)
        self.J_L_W = np.einsum("ck,ci->cik", delta, self.x)     # a gradient for every case
        self.J_L_B = delta
        return np.einsum("ck,ki->ci", delta, J_sum_M)

    def gradients(self):
        return self.J_L_W.mean(axis=0), self.J_L_B.mean(axis=0)

class SoftmaxLayer:
    def forward_pass(self, x):
        self.y = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y /= np.sum(self.y, axis=1, keepdims=True)
        return self.y

    def backward_pass(self, J_L_S):
        J_S_N = np.einsum("cj,jk->cjk", self.y, np.eye(self.y.shape[1])) - np.einsum("cj,ck->cjk", self.y, self.y)
        return np.einsum("cj,cjk->ck", J_L_S, J_S_N)

class Network:
    def __init__(self, layers, last, loss, wrt, wreg, verbose=False):
        self.layers, self.last = layers, last
        self.loss, self.wrt, self.wreg, self.verbose = loss, wrt, wreg, verbose

    def forward_pass(self, x):
        for layer in self.layers + self.last:
            x = layer.forward_pass(x)
        return x

    def loss_value(self, y, t):
        if self.loss == "mse":
            per_case = np.einsum("cj,cj->c", y - t, y - t) / y.shape[1]
        else:
            per_case = -np.einsum("cj,cj->c", t, np.log(np.maximum(y, 1e-300)))
        value = per_case.mean()
        for layer in self.layers:
            if self.wrt == "L2":
                value += self.wreg * 0.5 * np.einsum("ij,ij->", layer.w, layer.w)
            elif self.wrt == "L1":
                value += self.wreg * np.abs(layer.w).sum()
        if self.verbose:
            print("outputs", y, "targets", t, "loss", value, sep="\n")
        return value

    def backward_pass(self, y, t):
        J = 2 * (y - t) / y.shape[1] if self.loss == "mse" else -t / np.maximum(y, 1e-300)
        for layer in (self.layers + self.last)[::-1]:
            J = layer.backward_pass(J)
        gw, gb = [], []
        for layer in self.layers:
            w, b = layer.gradients()
            if self.wrt == "L2":
                w = w + self.wreg * layer.w
            elif self.wrt == "L1":
                w = w + self.wreg * np.sign(layer.w)
            gw.append(w)
            gb.append(b)
        return gw, gb
