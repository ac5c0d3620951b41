"""Generated data: images of shapes, sets of points, curves, and sequences."""
