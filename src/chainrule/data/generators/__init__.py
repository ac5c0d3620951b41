"""Data that is made: images of shapes, points in the plane, sequences."""
