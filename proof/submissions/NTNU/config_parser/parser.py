from core import ACTIVATION, LOSS, REGULARIZER, Dense, Softmax, Network

def parse(text):
    """GLOBALS / LAYERS in the way of section 7 of the project text."""
    glob, layers, where = {"loss": "mse", "wrt": "none", "wreg": "0"}, [], None
    for line in text.splitlines():
        line = line.strip()
        if line in ("GLOBALS", "LAYERS"):
            where = line
        elif line and where == "GLOBALS":
            key, value = line.split(":")
            glob[key.strip()] = value.strip()
        elif line:
            layers.append(dict(part.split(":") for part in line.split(", ")))
    built = []
    for spec in layers:
        if spec.get("type") == "softmax":
            built.append(Softmax())
        else:
            built.append(Dense(spec.get("act", "relu")))
    return Network(built, LOSS[glob["loss"]](), REGULARIZER[glob["wrt"]](float(glob["wreg"])))
