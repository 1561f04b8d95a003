"""The network section of the report: kernels of networks with one and two columns."""

import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from alexnet import architecture
from alexnet.report.network_section import kernel_images
from alexnet.run import Run


def test_kernels_have_one_image_per_column_enlarged_by_an_integer(trained: Run) -> None:
    run = replace(trained, architecture=architecture("paper", num_classes=5))
    weights = np.random.default_rng(0).normal(size=(96, 3, 11, 11)).astype(np.float32)
    result = kernel_images(run, {"conv1.weight": weights})
    assert result.caption.startswith("The 96 kernels of conv1, 11×11 pixels")
    assert "2 columns of 48 kernels each" in result.caption
    assert [image.alt[-16:] for image in result.images] == [", column 1 of 2.", ", column 2 of 2."]
    for image, kernel in zip(result.images, weights[::48], strict=True):
        content = base64.b64decode(image.uri.partition(",")[2])
        with Image.open(io.BytesIO(content)) as opened:
            values = np.asarray(opened)
        # 12 x 4 kernels, one pixel apart, enlarged by 4
        assert values.shape == (47 * 4, 143 * 4, 3) == (image.height, image.width, 3)
        blocks = values.reshape(47, 4, 143, 4, 3)
        assert (blocks == blocks[:, :1, :, :1]).all()
        first = blocks[:11, 0, :11, 0].astype(float)
        scaled = (kernel - kernel.min()) / np.ptp(kernel) * 255
        np.testing.assert_allclose(first, scaled.transpose(1, 2, 0), atol=0.51)


def test_kernels_of_one_column_have_one_image(trained: Run) -> None:
    weights = trained.weights()
    result = kernel_images(trained, weights)
    assert len(result.images) == 1
    assert "columns" not in result.caption
