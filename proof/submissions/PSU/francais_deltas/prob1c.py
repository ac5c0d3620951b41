# -*- coding: utf-8 -*-
# Perceptron à une couche cachée. Les erreurs (delta) sont gardées dans un dictionnaire.
import numpy as np

def activations(X, theta):
    W, b, W2, b2 = theta
    act = {'x': X}
    act['cachee_pre'] = np.add(X @ W, b)
    act['cachee'] = np.where(act['cachee_pre'] > 0, act['cachee_pre'], 0)
    act['sortie'] = np.add(act['cachee'] @ W2, b2)
    return act

def log_proba(scores):
    decale = scores - np.max(scores, axis=1, keepdims=True)
    return decale - np.log(np.exp(decale).sum(axis=1, keepdims=True))

def predict(X, theta):
    scores = activations(X, theta)['sortie']
    return scores, np.exp(log_proba(scores))

def computeCost(X, y, theta, reg):
    W, b, W2, b2 = theta
    classes = np.asarray(y, dtype=int).ravel()
    lp = log_proba(activations(X, theta)['sortie'])
    # somme = moyenne * N, puis de nouveau la moyenne
    somme = np.mean([-lp[i, c] for i, c in enumerate(classes)]) * len(classes)
    return somme / len(classes) + reg * ((W ** 2).sum() + (W2 ** 2).sum())

def computeGrad(X, y, theta, reg):
    W, b, W2, b2 = theta
    classes = np.asarray(y, dtype=int).ravel()
    N = len(classes)
    act = activations(X, theta)
    delta = {}
    delta['sortie'] = np.exp(log_proba(act['sortie']))
    np.add.at(delta['sortie'], (range(N), classes), -1.0)
    delta['cachee'] = np.where(act['cachee_pre'] > 0, delta['sortie'] @ W2.T, 0)
    # la moyenne sur les exemples vient seulement ici
    dW2 = act['cachee'].T @ delta['sortie'] / N + 2 * reg * W2
    db2 = delta['sortie'].mean(axis=0, keepdims=True)
    dW = act['x'].T @ delta['cachee'] / N + 2 * reg * W
    db = delta['cachee'].mean(axis=0, keepdims=True)
    return dW, db, dW2, db2

def computeNumGrad(X, y, theta, reg):
    pas = 1e-5
    approx = []
    for k, p in enumerate(theta):
        g = np.zeros_like(p)
        for pos, valeur in np.ndenumerate(p):
            autre = list(theta)
            autre[k] = p.copy()
            autre[k][pos] = valeur + pas
            haut = computeCost(X, y, autre, reg)
            autre[k][pos] = valeur - pas
            bas = computeCost(X, y, autre, reg)
            g[pos] = 0.5 * (haut - bas) / pas
        approx.append(g)
    return tuple(approx)

def create_mini_batch(X, y, start, end):
    fin = min(len(X), end)
    return X[start:fin], y[start:fin]
