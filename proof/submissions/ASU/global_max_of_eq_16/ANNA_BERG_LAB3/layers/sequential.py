import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        temp = x
        for layer in self.layers:
            temp = layer.forward(temp)
        if target is not None:
            return self.loss.forward(temp, target)
        return temp

    def backward(self):
        temp = self.loss.backward()
        for layer in reversed(self.layers):
            temp = layer.backward(temp)
        return temp

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        epoch_losses = []
        for epoch in range(epochs):
            batch_losses = []
            begin = 0
            while begin < x.shape[0]:
                end = min(begin+batch_size, x.shape[0])
                loss = self.forward(x[begin:end], y[begin:end])
                self.backward()
                self.update_params(lr)
                batch_losses.append(loss)
                begin = end
            epoch_losses.append(np.mean(np.array(batch_losses)))
            print('epoch', epoch+1, 'loss', epoch_losses[-1])
        return np.array(epoch_losses)

    def predict(self, x):
        return np.argmax(self.forward(x), axis=1)
