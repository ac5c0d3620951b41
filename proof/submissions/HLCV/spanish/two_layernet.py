import numpy as np

class TwoLayerNet(object):
    # red de dos capas; practica 2
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        casos = X.shape[0]
        # capa oculta
        oculta = np.zeros((casos, self.params['W1'].shape[1]))
        for i in range(casos):
            oculta[i] = np.dot(X[i], self.params['W1']) + self.params['b1']
        activa = oculta.copy()
        activa[activa < 0] = 0
        # capa de salida
        salida = np.dot(activa, self.params['W2'])
        salida = salida + self.params['b2']
        # restar el maximo de cada fila
        for i in range(casos):
            salida[i] = salida[i] - salida[i].max()
        suma = np.exp(salida).sum(axis=1)
        prob = np.exp(salida)
        for i in range(casos):
            prob[i] = prob[i] / suma[i]
        if y is None:
            return prob

        # perdida
        perdida = 0.0
        for i in range(casos):
            perdida = perdida + np.log(suma[i]) - salida[i, y[i]]
        perdida = perdida / casos
        perdida = perdida + reg * np.sum(self.params['W1'] ** 2)
        perdida = perdida + reg * np.sum(self.params['W2'] ** 2)

        # gradientes
        dsalida = prob.copy()
        for i in range(casos):
            dsalida[i, y[i]] = dsalida[i, y[i]] - 1
        dsalida = dsalida / casos
        doculta = np.dot(dsalida, self.params['W2'].T)
        for i in range(casos):
            for j in range(doculta.shape[1]):
                if oculta[i, j] < 0:
                    doculta[i, j] = 0
        grads = {}
        grads['W2'] = np.dot(activa.T, dsalida) + 2 * reg * self.params['W2']
        grads['b2'] = dsalida.sum(axis=0)
        grads['W1'] = np.dot(X.T, doculta) + 2 * reg * self.params['W1']
        grads['b1'] = doculta.sum(axis=0)
        return perdida, grads

    def train(self, X, y, X_val, y_val, learning_rate=1e-3, learning_rate_decay=0.95,
              reg=5e-6, num_iters=100, batch_size=200, verbose=False):
        historia = []
        aciertos = []
        aciertos_val = []
        por_epoca = max(X.shape[0] // batch_size, 1)
        orden = np.random.permutation(X.shape[0])
        for it in range(num_iters):
            k = it % por_epoca
            if k == 0:
                orden = np.random.permutation(X.shape[0])
            lote = orden[k * batch_size:(k + 1) * batch_size]
            xb = X[lote]
            yb = y[lote]
            perdida, grads = self.loss(xb, yb, reg)
            historia.append(perdida)
            self.params['W1'] -= learning_rate * grads['W1']
            self.params['W2'] -= learning_rate * grads['W2']
            self.params['b1'] -= learning_rate * grads['b1']
            self.params['b2'] -= learning_rate * grads['b2']
            if it % por_epoca == 0:
                aciertos.append((self.predict(xb) == yb).mean())
                aciertos_val.append((self.predict(X_val) == y_val).mean())
                learning_rate *= learning_rate_decay
            if verbose and it % 100 == 0:
                print('iteracion', it, 'perdida', perdida)
        return {'loss_history': historia, 'train_acc_history': aciertos, 'val_acc_history': aciertos_val}

    def predict(self, X):
        prob = self.loss(X)
        clases = []
        for i in range(prob.shape[0]):
            mejor = 0
            for j in range(prob.shape[1]):
                if prob[i, j] > prob[i, mejor]:
                    mejor = j
            clases.append(mejor)
        return np.array(clases)
