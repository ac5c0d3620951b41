import csv
import math
import random
import sys

K = 10

def sigmoid(v):
    if v >= 0:
        return 1.0 / (1.0 + math.exp(-v))
    t = math.exp(v)
    return t / (1.0 + t)

def forward(x, alpha, beta):
    z = [1.0]
    for j in range(len(alpha)):
        s = 0.0
        for m in range(len(x)):
            s += alpha[j][m] * x[m]
        z.append(sigmoid(s))
    b = []
    for k in range(K):
        s = 0.0
        for j in range(len(z)):
            s += beta[k][j] * z[j]
        b.append(s)
    top = max(b)
    e = [math.exp(v - top) for v in b]
    total = sum(e)
    return z, [v / total for v in e], b, top + math.log(total)

def train_one(x, label, alpha, beta, lr):
    z, yhat, _, _ = forward(x, alpha, beta)
    db = [yhat[k] - (1.0 if k == label else 0.0) for k in range(K)]
    # hidden errors first, the weights are changed below
    da = []
    for j in range(len(alpha)):
        s = 0.0
        for k in range(K):
            s += db[k] * beta[k][j + 1]
        da.append(s * z[j + 1] * (1 - z[j + 1]))
    for k in range(K):
        for j in range(len(z)):
            beta[k][j] -= lr * db[k] * z[j]
    for j in range(len(alpha)):
        for m in range(len(x)):
            alpha[j][m] -= lr * da[j] * x[m]

def entropy(data, alpha, beta):
    s = 0.0
    for label, x in data:
        _, _, b, lse = forward(x, alpha, beta)
        s += lse - b[label]
    return s / len(data)

def predict(x, alpha, beta):
    yhat = forward(x, alpha, beta)[1]
    best = 0
    for k in range(K):
        if yhat[k] > yhat[best]:
            best = k
    return best

def read(path):
    data = []
    with open(path, newline='') as f:
        for row in csv.reader(f):
            if row:
                data.append((int(row[0]), [1.0] + [float(c) for c in row[1:]]))
    return data

def matrix(rows, cols, flag):
    m = []
    for i in range(rows):
        row = [0.0]
        for j in range(cols):
            row.append(random.uniform(-0.1, 0.1) if flag == 1 else 0.0)
        m.append(row)
    return m

def main(argv):
    train = read(argv[0])
    valid = read(argv[1])
    epochs = int(argv[5])
    D = int(argv[6])
    flag = int(argv[7])
    lr = float(argv[8])
    M = len(train[0][1]) - 1
    alpha = matrix(D, M, flag)
    beta = matrix(K, D, flag)
    out = open(argv[4], 'w')
    for e in range(epochs):
        for label, x in train:
            train_one(x, label, alpha, beta, lr)
        out.write('epoch=' + str(e + 1) + ' crossentropy(train): ' + str(entropy(train, alpha, beta)) + '\n')
        out.write('epoch=' + str(e + 1) + ' crossentropy(validation): ' + str(entropy(valid, alpha, beta)) + '\n')
    for data, name, word in ((train, argv[2], 'train'), (valid, argv[3], 'validation')):
        wrong = 0
        with open(name, 'w') as f:
            for label, x in data:
                p = predict(x, alpha, beta)
                if p != label:
                    wrong += 1
                f.write(str(p) + '\n')
        out.write('error(' + word + '): ' + str(wrong / len(data)) + '\n')
    out.close()

main(sys.argv[1:])
