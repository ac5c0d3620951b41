import sys
import numpy as np
# the gradient of alpha with the double sum of section A.2.1 (I know, slow), the y_l/yhat_l cancelled by hand

f = open(sys.argv[1]); lines = f.readlines(); f.close()
train = [[float(c) for c in l.split(",")] for l in lines if l.strip() != ""]
f = open(sys.argv[2]); lines = f.readlines(); f.close()
valid = [[float(c) for c in l.split(",")] for l in lines if l.strip() != ""]

D = int(sys.argv[7])
M = len(train[0]) - 1
K = 10
if sys.argv[8] == "1":
    alpha = np.hstack((np.zeros((D, 1)), np.random.uniform(low=-0.1, high=0.1, size=(D, M))))
    beta = np.hstack((np.zeros((K, 1)), np.random.uniform(low=-0.1, high=0.1, size=(K, D))))
elif sys.argv[8] == "2":
    alpha = np.zeros((D, M + 1))
    beta = np.zeros((K, D + 1))
gamma = float(sys.argv[9])

def net(row):
    x = np.array(row)
    x[0] = 1
    z = np.ones(D + 1)
    z[1:] = 1 / (1 + np.exp(-alpha.dot(x)))
    b = beta.dot(z)
    y = np.exp(b - b.max()) / np.exp(b - b.max()).sum()
    return x, z, b, y

def J(rows):
    s = 0
    for row in rows:
        b = net(row)[2]
        s += b.max() + np.log(np.exp(b - b.max()).sum()) - b[int(row[0])]
    return s / len(rows)

metrics = open(sys.argv[5], "w")
for epoch in range(int(sys.argv[6])):
    for row in train:
        x, z, b, y = net(row)
        t = int(row[0])
        galpha = np.zeros(alpha.shape)
        gbeta = np.zeros(beta.shape)
        for k in range(K):
            for l in range(K):
                if l == t:
                    # -y_l/yhat_l * yhat_l * (I[k=l] - yhat_k)
                    w = -((1 if k == l else 0) - y[k])
                    gbeta[k] += w * z
                    galpha += np.outer(w * beta[k, 1:] * (z * (1 - z))[1:], x)
        alpha -= gamma * galpha
        beta -= gamma * gbeta
    metrics.write("epoch=" + str(epoch + 1) + " crossentropy(train): " + str(J(train)) + "\n")
    metrics.write("epoch=" + str(epoch + 1) + " crossentropy(validation): " + str(J(valid)) + "\n")

def finish(rows, path):
    out = open(path, "w")
    bad = 0
    for row in rows:
        y = net(row)[3]
        label = list(y).index(max(y))
        bad += (label != int(row[0]))
        out.write(str(label) + "\n")
    out.close()
    return str(bad / len(rows))

metrics.write("error(train): " + finish(train, sys.argv[3]) + "\n")
metrics.write("error(validation): " + finish(valid, sys.argv[4]) + "\n")
metrics.close()
