"""The layers that know nothing of images or of steps in time, and what all layers share."""
