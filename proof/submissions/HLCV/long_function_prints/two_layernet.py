import numpy
from numpy import *

class TwoLayerNet:

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std*random.randn(input_size, hidden_size)
        self.params['b1'] = zeros(hidden_size)
        self.params['W2'] = std*random.randn(hidden_size, output_size)
        self.params['b2'] = zeros(output_size)
        self.debug = True

    def loss(self, X, y=None, reg=0.0):
        # 1. first layer
        N = shape(X)[0]
        first = matmul(X, self.params['W1'])
        for i in range(N):
            first[i] = first[i] + self.params['b1']
        mask = ones(shape(first))
        mask[first < 0] = 0
        second = multiply(first, mask)
        # 2. second layer
        third = matmul(second, self.params['W2'])
        for i in range(N):
            third[i] = third[i] + self.params['b2']
        # 3. softmax (minus the biggest because of overflow)
        prob = []
        logs = []
        for i in range(N):
            row = third[i] - amax(third[i])
            bottom = numpy.sum(exp(row))
            prob.append(exp(row)/bottom)
            logs.append(row - log(bottom))
        prob = array(prob)
        if type(y) == type(None):
            return prob
        # 4. cost
        cost = 0
        for i in range(N):
            cost -= logs[i][y[i]]/N
        W1sq = numpy.sum(power(self.params['W1'], 2))
        W2sq = numpy.sum(power(self.params['W2'], 2))
        cost = cost + reg*W1sq + reg*W2sq
        if self.debug:
            print('cost now:', cost)
            self.debug = False
        # 5. backward
        error = prob*1.0
        for i in range(N):
            error[i][y[i]] -= 1
        dW2 = matmul(transpose(second), error)/N
        db2 = numpy.sum(error, 0)/N
        hidden_error = multiply(matmul(error, transpose(self.params['W2'])), mask)
        dW1 = matmul(transpose(X), hidden_error)/N
        db1 = numpy.sum(hidden_error, 0)/N
        # 6. regularization
        dW1 += reg*2*self.params['W1']
        dW2 += reg*2*self.params['W2']
        grads = {}
        grads['W1'] = dW1
        grads['b1'] = db1
        grads['W2'] = dW2
        grads['b2'] = db2
        return cost, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        loss_history = []
        train_acc_history = []
        val_acc_history = []
        epoch = X.shape[0] // batch_size
        if epoch < 1:
            epoch = 1
        for it in range(num_iters):
            which = random.choice(X.shape[0], batch_size)
            X_batch = X[which, :]
            y_batch = y[which]
            loss, grads = self.loss(X_batch, y_batch, reg)
            loss_history.append(loss)
            self.params['W1'] = self.params['W1'] - learning_rate*grads['W1']
            self.params['b1'] = self.params['b1'] - learning_rate*grads['b1']
            self.params['W2'] = self.params['W2'] - learning_rate*grads['W2']
            self.params['b2'] = self.params['b2'] - learning_rate*grads['b2']
            if it % epoch == 0:
                train_acc_history.append(mean(self.predict(X_batch) == y_batch))
                val_acc_history.append(mean(self.predict(X_val) == y_val))
                learning_rate = learning_rate*learning_rate_decay
        return {'loss_history': loss_history, 'train_acc_history': train_acc_history, 'val_acc_history': val_acc_history}

    def predict(self, X):
        return argmax(self.loss(X), axis=1)
