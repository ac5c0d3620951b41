import sys
from numpy import *

# my first python program, sorry

def readdata(fn):
    global K
    d = loadtxt(fn, delimiter=",", ndmin=2)
    return d[:, 1:], d[:, 0]

def fwd(x):
    # x is one picture (M,)
    global a, z, b, yhat, A, A0, B, B0
    a = dot(A, x) + A0
    z = 1/(1+exp(-a))
    b = dot(B, z) + B0
    b = b - b.max()
    yhat = exp(b)
    yhat = yhat/yhat.sum()
    return yhat

def bwd(x, y):
    global dA, dA0, dB, dB0
    t = zeros(10)
    t[int(y)] = 1
    db = yhat - t
    dB = outer(db, z)
    dB0 = db
    dz = dot(db, B)
    da = dz*z*(1-z)
    dA = outer(da, x)
    dA0 = da

def J(X, Y):
    s = 0
    for x, y in zip(X, Y):
        fwd(x)
        s = s + log(exp(b).sum()) - b[int(y)]
    return s/len(X)

def labels(X):
    l = []
    for x in X:
        l.append(argmax(fwd(x)))
    return l

def err(l, Y):
    e = 0
    for i in range(len(l)):
        if l[i] != Y[i]:
            e = e + 1
    return e/len(l)

Xt, Yt = readdata(sys.argv[1])
Xv, Yv = readdata(sys.argv[2])
epochs = int(sys.argv[6])
D = int(sys.argv[7])
lr = float(sys.argv[9])
M = Xt.shape[1]
A = zeros((D, M))
B = zeros((10, D))
A0 = zeros(D)
B0 = zeros(10)
if int(sys.argv[8]) == 1:
    A = random.uniform(-0.1, 0.1, (D, M))
    B = random.uniform(-0.1, 0.1, (10, D))

out = ""
for e in range(epochs):
    for x, y in zip(Xt, Yt):
        fwd(x)
        bwd(x, y)
        A = A - lr*dA
        A0 = A0 - lr*dA0
        B = B - lr*dB
        B0 = B0 - lr*dB0
    out += "epoch=" + str(e+1) + " crossentropy(train): " + str(J(Xt, Yt)) + "\n"
    out += "epoch=" + str(e+1) + " crossentropy(validation): " + str(J(Xv, Yv)) + "\n"

lt = labels(Xt)
lv = labels(Xv)
out += "error(train): " + str(err(lt, Yt)) + "\n"
out += "error(validation): " + str(err(lv, Yv)) + "\n"

f = open(sys.argv[3], "w")
for l in lt: f.write(str(l) + "\n")
f.close()
f = open(sys.argv[4], "w")
for l in lv: f.write(str(l) + "\n")
f.close()
f = open(sys.argv[5], "w")
f.write(out)
f.close()
