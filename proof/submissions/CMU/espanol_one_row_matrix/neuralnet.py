# Tarea 5, red neuronal con una capa oculta
import sys
import numpy as np

def leer(nombre):
    datos = np.genfromtxt(nombre, delimiter=",")
    if datos.ndim == 1:
        datos = datos.reshape(1, -1)
    etiquetas = datos[:, 0].astype(int)
    X = np.insert(datos[:, 1:], 0, 1.0, axis=1)
    return X, etiquetas

def sigmoide(a):
    return np.exp(-np.logaddexp(0, -a))

def adelante(X, alfa, beta):
    # X: (n, M+1). Devuelve Z (n, D+1) y el logaritmo de las probabilidades (n, 10)
    Z = np.insert(sigmoide(X @ alfa.T), 0, 1.0, axis=1)
    B = Z @ beta.T
    B = B - B.max(axis=1, keepdims=True)
    return Z, B - np.log(np.exp(B).sum(axis=1, keepdims=True))

def atras(x, etiqueta, alfa, beta):
    # una sola muestra, como matriz de una fila
    Z, L = adelante(x, alfa, beta)
    d = np.exp(L)
    d[0, etiqueta] -= 1
    grad_beta = d.T @ Z
    dz = d @ beta
    da = (dz * Z * (1 - Z))[:, 1:]
    grad_alfa = da.T @ x
    return grad_alfa, grad_beta

def entropia(X, t, alfa, beta):
    L = adelante(X, alfa, beta)[1]
    return -np.take_along_axis(L, t[:, None], axis=1).mean()

def predecir(X, alfa, beta):
    return np.argmax(adelante(X, alfa, beta)[1], axis=1)

def inicial(filas, columnas, modo):
    if modo == 1:
        w = np.random.uniform(-0.1, 0.1, (filas, columnas))
        return np.insert(w, 0, 0.0, axis=1)
    return np.zeros((filas, columnas + 1))

def principal():
    X, t = leer(sys.argv[1])
    Xv, tv = leer(sys.argv[2])
    epocas = int(sys.argv[6])
    D = int(sys.argv[7])
    modo = int(sys.argv[8])
    paso = float(sys.argv[9])
    alfa = inicial(D, X.shape[1] - 1, modo)
    beta = inicial(10, D, modo)
    salida = open(sys.argv[5], "w")
    for ep in range(1, epocas + 1):
        for i in range(len(t)):
            ga, gb = atras(X[i:i + 1], t[i], alfa, beta)
            alfa -= paso * ga
            beta -= paso * gb
        salida.write("epoch=%d crossentropy(train): %.12f\n" % (ep, entropia(X, t, alfa, beta)))
        salida.write("epoch=%d crossentropy(validation): %.12f\n" % (ep, entropia(Xv, tv, alfa, beta)))
    p = predecir(X, alfa, beta)
    pv = predecir(Xv, alfa, beta)
    salida.write("error(train): %.6f\n" % np.mean(p != t))
    salida.write("error(validation): %.6f\n" % np.mean(pv != tv))
    salida.close()
    with open(sys.argv[3], "w") as f:
        for v in p:
            f.write(str(v) + "\n")
    with open(sys.argv[4], "w") as f:
        for v in pv:
            f.write(str(v) + "\n")

principal()
