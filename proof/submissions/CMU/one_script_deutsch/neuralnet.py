# HW5 - alles in einem Skript, ohne Funktionen
import sys
import numpy as np

trainDatei = sys.argv[1]
validDatei = sys.argv[2]
anzahlEpochen = int(sys.argv[6])
verdeckte = int(sys.argv[7])
startArt = int(sys.argv[8])
lernrate = float(sys.argv[9])

# Daten einlesen
train = np.loadtxt(trainDatei, delimiter=',', ndmin=2)
valid = np.loadtxt(validDatei, delimiter=',', ndmin=2)
ziel = train[:, 0].astype(int)
zielV = valid[:, 0].astype(int)
# erste Spalte (Klasse) durch Einsen fuer den Bias ersetzen
train[:, 0] = 1
valid[:, 0] = 1
N, M1 = train.shape
NV = valid.shape[0]

# Gewichte
alpha = np.zeros((verdeckte, M1))
beta = np.zeros((10, verdeckte + 1))
if startArt == 1:
    alpha[:, 1:] = np.random.rand(verdeckte, M1 - 1) * 0.2 - 0.1
    beta[:, 1:] = np.random.rand(10, verdeckte) * 0.2 - 0.1

ausgabe = open(sys.argv[5], 'w')
einheit = np.eye(10)

for epoche in range(1, anzahlEpochen + 1):
    for n in range(N):
        x = train[n]
        # vorwaerts
        a = np.dot(alpha, x)
        z = np.append(1.0, 1 / (1 + np.exp(-a)))
        b = np.dot(beta, z)
        e = np.exp(b - max(b))
        yDach = e / sum(e)
        # rueckwaerts
        deltaB = yDach - einheit[ziel[n]]
        deltaZ = np.dot(deltaB, beta)[1:]
        deltaA = deltaZ * z[1:] * (1 - z[1:])
        # Gewichte anpassen
        beta -= lernrate * deltaB.reshape(-1, 1) * z
        alpha -= lernrate * deltaA.reshape(-1, 1) * x
    # mittlere Kreuzentropie, Training
    summe = 0
    for n in range(N):
        z = np.append(1.0, 1 / (1 + np.exp(-np.dot(alpha, train[n]))))
        b = np.dot(beta, z)
        e = np.exp(b - max(b))
        summe = summe + np.log(sum(e)) + max(b) - b[ziel[n]]
    ausgabe.write('epoch=' + str(epoche) + ' crossentropy(train): ' + str(summe / N) + '\n')
    # mittlere Kreuzentropie, Validierung
    summe = 0
    for n in range(NV):
        z = np.append(1.0, 1 / (1 + np.exp(-np.dot(alpha, valid[n]))))
        b = np.dot(beta, z)
        e = np.exp(b - max(b))
        summe = summe + np.log(sum(e)) + max(b) - b[zielV[n]]
    ausgabe.write('epoch=' + str(epoche) + ' crossentropy(validation): ' + str(summe / NV) + '\n')

# Vorhersagen
fehler = 0
datei = open(sys.argv[3], 'w')
for n in range(N):
    z = np.append(1.0, 1 / (1 + np.exp(-np.dot(alpha, train[n]))))
    klasse = np.argmax(np.dot(beta, z))
    datei.write(str(klasse) + '\n')
    if klasse != ziel[n]:
        fehler += 1
datei.close()
ausgabe.write('error(train): ' + str(fehler / N) + '\n')
fehler = 0
datei = open(sys.argv[4], 'w')
for n in range(NV):
    z = np.append(1.0, 1 / (1 + np.exp(-np.dot(alpha, valid[n]))))
    klasse = np.argmax(np.dot(beta, z))
    datei.write(str(klasse) + '\n')
    if klasse != zielV[n]:
        fehler += 1
datei.close()
ausgabe.write('error(validation): ' + str(fehler / NV) + '\n')
ausgabe.close()
