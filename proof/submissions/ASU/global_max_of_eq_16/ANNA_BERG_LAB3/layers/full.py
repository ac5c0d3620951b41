import numpy as np

class FullLayer(object):
    def __init__(self, n_i, n_o):
        self.W = np.random.normal(loc=0, scale=np.sqrt(2/(n_i+n_o)), size=(n_o, n_i))   # eq. 12
        self.b = np.zeros((1, n_o))                                                     # eq. 13
        self.x = None
        self.w_grad = None
        self.b_grad = None

    def forward(self, x):
        self.x = x
        y = np.matmul(x, np.transpose(self.W)) + self.b    # eq. 7
        return y

    def backward(self, y_grad):
        # eq. 9
        x_grad = np.matmul(y_grad, self.W)
        self.w_grad = np.matmul(np.transpose(y_grad), self.x)
        self.b_grad = np.sum(y_grad, 0).reshape(self.b.shape)
        return x_grad

    def update_param(self, lr):
        # eq. 10 and 11
        self.b = self.b - lr*self.b_grad
        self.W = self.W - lr*self.w_grad
