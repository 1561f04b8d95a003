"""Look inside a trained network: kernels, feature maps, Grad-CAM, features, nearest images."""
