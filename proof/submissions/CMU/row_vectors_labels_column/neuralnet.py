import sys
import numpy as np

# row vectors (1, n) everywhere; gradient of beta and alpha kept transposed, like the weights themselves

def sigm(v):
    return 1.0/(1.0+np.exp(-v))

def softmx(v):
    v = v - np.max(v)
    return np.exp(v)/np.sum(np.exp(v))

class Trainer():
    def __init__(self, argv):
        self.trainIn = argv[1]
        self.validIn = argv[2]
        self.trainOut = argv[3]
        self.validOut = argv[4]
        self.metricsOut = argv[5]
        self.numEpoch = int(argv[6])
        self.hidden = int(argv[7])
        self.initFlag = int(argv[8])
        self.lr = float(argv[9])
        self.metricText = ""

    def loadData(self):
        self.X, self.T = self.parse(self.trainIn)
        self.XV, self.TV = self.parse(self.validIn)

    def parse(self, filename):
        data = np.loadtxt(filename, delimiter=",", ndmin=2)
        X = np.column_stack([np.ones(len(data)), data[:, 1:]])
        return X, data[:, [0]].astype(int)        # labels as a column

    def initWeights(self):
        M = self.X.shape[1]
        if self.initFlag == 1:
            self.A = np.random.uniform(-0.1, 0.1, (M, self.hidden))
            self.B = np.random.uniform(-0.1, 0.1, (self.hidden+1, 10))
            self.A[0, :] = 0
            self.B[0, :] = 0
        else:
            self.A = np.zeros((M, self.hidden))
            self.B = np.zeros((self.hidden+1, 10))

    def forward(self, x):
        self.x = x
        self.zs = sigm(np.dot(x, self.A))
        self.z1 = np.hstack([np.ones((1, 1)), self.zs])
        self.o = np.dot(self.z1, self.B)
        self.p = softmx(self.o)

    def backward(self, t):
        self.db = np.array(self.p)
        self.db[0, t] = self.db[0, t] - 1
        self.gB = np.dot(self.z1.T, self.db)
        # derivative of the sigmoid once more from its definition: e^-a / (1+e^-a)^2 = s * s(-a)
        sprime = self.zs * sigm(-np.dot(self.x, self.A))
        self.da = np.dot(self.db, self.B[1:, :].T) * sprime
        self.gA = np.dot(self.x.T, self.da)

    def update(self):
        self.A = self.A - self.lr*self.gA
        self.B = self.B - self.lr*self.gB

    def meanEntropy(self, X, T):
        J = []
        for n in range(len(X)):
            self.forward(X[n:n+1])
            o = self.o - np.max(self.o)
            J.append(np.log(np.sum(np.exp(o))) - o[0, T[n, 0]])
        return np.sum(J)/len(J)

    def fit(self):
        for e in range(self.numEpoch):
            for n in range(len(self.X)):
                self.forward(self.X[n:n+1])
                self.backward(self.T[n, 0])
                self.update()
            self.metricText += "epoch=%d crossentropy(train): %.15g\n" % (e+1, self.meanEntropy(self.X, self.T))
            self.metricText += "epoch=%d crossentropy(validation): %.15g\n" % (e+1, self.meanEntropy(self.XV, self.TV))

    def classify(self, X):
        labels = np.zeros((len(X), 1), dtype=int)
        for n in range(len(X)):
            self.forward(X[n:n+1])
            labels[n] = np.argmax(self.p)
        return labels

    def finish(self):
        P = self.classify(self.X)
        PV = self.classify(self.XV)
        self.metricText += "error(train): " + str(np.sum(P != self.T)/len(P)) + "\n"
        self.metricText += "error(validation): " + str(np.sum(PV != self.TV)/len(PV)) + "\n"
        with open(self.metricsOut, "w") as f:
            f.write(self.metricText)
        np.savetxt(self.trainOut, P, fmt="%i", newline="\n")
        np.savetxt(self.validOut, PV, fmt="%i", newline="\n")

if __name__ == "__main__":
    tr = Trainer(sys.argv)
    tr.loadData()
    tr.initWeights()
    tr.fit()
    tr.finish()
