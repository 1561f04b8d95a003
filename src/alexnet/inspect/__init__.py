"""Look inside a trained network: kernels, activations, Grad-CAM, features, similar images."""

from alexnet.inspect.class_activation_maps import (
    ClassActivationMap,
    GradCamResult,
    compute_grad_cam,
)
from alexnet.inspect.extraction import FeatureExtraction, extract_features
from alexnet.inspect.input_images import InputImage
from alexnet.inspect.kernels import Kernels, first_layer_kernels
from alexnet.inspect.labeled_predictions import LabeledPredictions, predict_labeled
from alexnet.inspect.layer_activations import Activations, compute_activations
from alexnet.inspect.neighbors import (
    Neighbor,
    QueryNeighbors,
    SimilarImages,
    find_similar_images,
)

__all__ = [
    "Activations",
    "ClassActivationMap",
    "FeatureExtraction",
    "GradCamResult",
    "InputImage",
    "Kernels",
    "LabeledPredictions",
    "Neighbor",
    "QueryNeighbors",
    "SimilarImages",
    "compute_activations",
    "compute_grad_cam",
    "extract_features",
    "find_similar_images",
    "first_layer_kernels",
    "predict_labeled",
]
