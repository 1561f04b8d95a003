"""Every kind of file is decoded as a viewer shows it, or rejected with a one-line reason."""

import contextlib
import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from alexnet.data import ImageError, read_image
from alexnet.data.decoding import decode

RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def quadrants() -> Image.Image:
    """Return 16x16 pixels in four colors: red, green over blue, white."""
    values = np.zeros((16, 16, 3), np.uint8)
    values[:8, :8], values[:8, 8:], values[8:, :8], values[8:, 8:] = RED, GREEN, BLUE, WHITE
    return Image.fromarray(values)


def corners(pixels: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Return the colors top left, top right, bottom left, bottom right, inside the quadrants."""
    near, far = len(pixels) // 8, len(pixels) - 1 - len(pixels) // 8
    return [pixels[y, x].tolist() for y in (near, far) for x in (near, far)]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "PPM"])
def test_lossless_formats_preserve_every_pixel(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(encoded(quadrants(), kind, **options), 16)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(quadrants()))


def test_decode_returns_the_center_crop() -> None:
    """30x10: the outer thirds are cropped; after scaling they blend into the border only."""
    values = np.zeros((10, 30, 3), np.uint8)
    values[:, :10], values[:, 10:20], values[:, 20:] = RED, GREEN, BLUE
    for image in (Image.fromarray(values), Image.fromarray(values.transpose(1, 0, 2))):
        assert (decode(encoded(image), 10) == GREEN).all()
        whole = image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR)
        left, top = (whole.width - 5) // 2, (whole.height - 5) // 2
        np.testing.assert_array_equal(
            decode(encoded(image), 5), np.asarray(whole.crop((left, top, left + 5, top + 5)))
        )


def test_downscaling_is_antialiased() -> None:
    """Black and white lines become gray, not stripes."""
    values = np.zeros((64, 64), np.uint8)
    values[:, ::2] = 255
    pixels = decode(encoded(Image.fromarray(values)), 8)
    assert abs(pixels.astype(int) - 127).max() < 12


def test_small_images_are_upscaled() -> None:
    assert decode(encoded(Image.new("RGB", (1, 1), "red")), 4).tolist() == [[RED] * 4] * 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        # Where a viewer shows the stored corners (red, green, blue, white): EXIF 2.3, tag 0x0112.
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_exif_orientation(kind: str, orientation: int, expected: list[list[int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = quadrants().resize((64, 48), Image.Resampling.NEAREST)
    options = {"quality": 100} if kind in ("JPEG", "WEBP") else {}
    image = read_image(encoded(large, kind, exif=exif, **options), 16)
    actual = np.array(corners(image.pixels), dtype=int)
    assert abs(actual - np.array(expected)).max() < 16
    assert (image.width, image.height) == ((64, 48) if orientation < 5 else (48, 64))


def test_corrupt_exif_is_ignored() -> None:
    data = encoded(quadrants(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 20)
    assert decode(data, 8).shape == (8, 8, 3)


def test_transparency_is_blended_with_white() -> None:
    half_red = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert abs(decode(encoded(half_red), 4).astype(int) - [255, 127, 127]).max() <= 1
    clear_black = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (decode(encoded(clear_black), 4) == 255).all()
    gray = Image.new("LA", (4, 4), (100, 51))  # 0.2 * 100 + 0.8 * 255 = 224
    assert abs(decode(encoded(gray), 4).astype(int) - 224).max() <= 1


def test_colors_of_transparent_pixels_do_not_bleed() -> None:
    """Left half red, right half transparent blue: no blue may appear at the border."""
    values = np.zeros((8, 8, 4), np.uint8)
    values[:, :4], values[:, 4:] = (255, 0, 0, 255), (0, 0, 255, 0)
    pixels = decode(encoded(Image.fromarray(values)), 3).astype(int)
    assert (pixels[..., 0] >= 253).all()
    assert abs(pixels[..., 1] - pixels[..., 2]).max() <= 1


def test_palette_with_transparency() -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    image.putdata([0, 0, 1, 2] * 2)
    for kind in ("PNG", "GIF"):
        pixels = decode(encoded(image.crop((1, 0, 3, 2)), kind, transparency=1), 2)
        assert pixels.tolist() == [[RED, WHITE]] * 2
    assert decode(encoded(image.crop((1, 0, 3, 2))), 2).tolist() == [[RED, BLUE]] * 2
    alphas = decode(encoded(image.crop((0, 0, 2, 2)), transparency=bytes([51, 255, 255])), 2)
    assert abs(alphas.astype(int) - [255, 204, 204]).max() <= 1  # a fifth of red over white


@pytest.mark.parametrize(
    ("mode", "color", "transparent"), [("RGB", (9, 8, 7), (9, 8, 7)), ("L", 9, 9)]
)
def test_one_transparent_color(mode: str, color: object, transparent: object) -> None:
    image = Image.new(mode, (4, 4), color)  # type: ignore[arg-type]
    assert (decode(encoded(image, transparency=transparent), 4) == 255).all()


def test_cmyk() -> None:
    """(1 - c)(1 - k): c 255 removes all red; k 128 halves the rest."""
    for ink, expected in [
        ((0, 0, 0, 0), WHITE),
        ((255, 0, 0, 0), [0, 255, 255]),
        ((0, 255, 255, 0), RED),
        ((0, 0, 0, 255), [0, 0, 0]),
        ((0, 0, 255, 128), [127, 127, 0]),
    ]:
        image = Image.new("CMYK", (16, 16), ink)
        for kind in ("JPEG", "TIFF"):
            options = {"quality": 100} if kind == "JPEG" else {}
            actual = decode(encoded(image, kind, **options), 4).astype(int)
            assert abs(actual - expected).max() <= 2, (kind, ink)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_gray_is_scaled_not_clipped(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 16).round().astype(np.uint16), (16, 1))
    pixels = decode(encoded(Image.fromarray(ramp), kind), 16)
    expected = np.rint(ramp / 257)
    assert abs(pixels[..., 0] - expected).max() <= 1
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, -1].tolist() == WHITE


def test_dark_16_bit_gray_stays_dark() -> None:
    assert (decode(encoded(Image.fromarray(np.full((4, 4), 200, np.uint16))), 4) == 1).all()


def test_big_endian_16_bit_gray() -> None:
    """A TIFF written by hand: MM, one strip of four pixels 0, 257 * 64, 257 * 128, 65535."""
    pixels = struct.pack(">4H", 0, 257 * 64, 257 * 128, 65535)
    tags = [(256, 3, 2), (257, 3, 2), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 3, 2), (279, 4, 8)]
    directory = struct.pack(">H", len(tags))
    for tag, kind, value in tags:
        packed = struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        directory += struct.pack(">HHI", tag, kind, 1) + packed
    data = b"MM\0*" + struct.pack(">I", 16) + pixels + directory + bytes(4)
    assert decode(data, 2)[..., 0].tolist() == [[0, 64], [128, 255]]


def test_16_bit_png_with_a_transparent_value() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    rows = b"".join(b"\0" + struct.pack(">2H", 0, 1000) for _ in range(2))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 0, 0, 0, 0))
    data += chunk(b"tRNS", struct.pack(">H", 0)) + chunk(b"IDAT", zlib.compress(rows))
    assert decode(data + chunk(b"IEND", b""), 2)[0, :, 0].tolist() == [255, 4]


def test_float_and_32_bit_gray() -> None:
    floats = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))
    expected = np.rint(floats * 255)
    for values in (floats, floats * 255, floats * 65535, floats * 7e6 - 3e6):
        pixels = decode(encoded(Image.fromarray(values), "TIFF"), 16)
        assert abs(pixels[..., 0] - expected).max() <= 1
    floats[0, 0] = np.nan
    assert decode(encoded(Image.fromarray(floats), "TIFF"), 16)[0, 0].tolist() == [0, 0, 0]
    longs = np.full((4, 4), 65535, np.int32)
    assert (decode(encoded(Image.fromarray(longs), "TIFF"), 4) == 255).all()


def profile_with_gamma(gamma: float) -> bytes:
    """Return Pillow's sRGB profile with the tone curve (value / 255) ** gamma."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(int.from_bytes(data[128:132], "big")):
        tag = 132 + 12 * i
        place = int.from_bytes(data[tag + 4 : tag + 8], "big")
        if data[tag + 1 : tag + 4] == b"TRC":
            curve = (
                b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big")
            )
            data[place : place + len(curve)] = curve
        if data[tag : tag + 4] == b"desc":
            text = data[place:].index("sRGB".encode("utf-16-be")) + place
            data[text : text + 8] = "mine".encode("utf-16-be")
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_color_profile(kind: str) -> None:
    """Linear light 0.5 is 188 in sRGB: 255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055)."""
    image = Image.new("RGB", (8, 8), (128, 128, 128))
    linear = encoded(image, kind, icc_profile=profile_with_gamma(1.0))
    assert abs(decode(linear, 4).astype(int) - 188).max() <= 1
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"corrupt", srgb[:200]):
        assert (decode(encoded(image, kind, icc_profile=profile), 4) == 128).all()


def test_a_profile_of_another_color_space_is_ignored() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    data = encoded(image, "TIFF", icc_profile=profile_with_gamma(1.0))
    assert (decode(data, 4) == RED).all()


def test_bilevel() -> None:
    image = Image.new("1", (4, 4))
    image.putdata([0, 1, 0, 1] * 4)
    assert decode(encoded(image), 4)[0, :, 0].tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_animations_yield_the_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (decode(data, 4) == RED).all()


def test_lab() -> None:
    image = Image.new("LAB", (4, 4), (255, 128, 128))
    assert (decode(encoded(image, "TIFF"), 4) >= 253).all()


def test_a_jpeg_decoded_at_reduced_size_looks_the_same() -> None:
    y, x = np.mgrid[0:1201, 0:1603] / 100
    waves = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=-1)
    image = Image.fromarray((127.5 + 120 * waves).astype(np.uint8))
    from_png, from_jpeg = (decode(encoded(image, kind), 128) for kind in ("PNG", "JPEG"))
    assert np.abs(from_png.astype(int) - from_jpeg).mean() < 1.5


def test_bytes_files_and_paths_decode_equally(tmp_path: Path) -> None:
    data = encoded(quadrants(), "JPEG")
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for source in (path, str(path), bytearray(data), memoryview(data), io.BytesIO(data)):
        np.testing.assert_array_equal(decode(source, 8), decode(data, 8))


class TestUnreadable:
    def reason(self, source: object, **options: int) -> str:
        with pytest.raises(ImageError) as caught:
            decode(source, 8, **options)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_other_files(self, tmp_path: Path) -> None:
        assert self.reason(tmp_path / "no.jpg") == "no such file"
        assert self.reason(tmp_path) == "is a folder, not an image"
        assert self.reason(b"") == "the file is empty"
        assert self.reason(b"hello") == "not an image, or an unsupported format"
        assert self.reason(str(tmp_path / "a\0b.jpg"))
        empty = tmp_path / "empty.png"
        empty.touch()
        assert self.reason(empty) == "the file is empty"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_does_not_block(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        assert self.reason(tmp_path / "pipe.jpg") == "is a pipe or a device, not a file"

    def test_postscript_is_never_executed(self) -> None:
        data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
        assert "not an image" in self.reason(data)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
    def test_truncated(self, kind: str) -> None:
        data = encoded(quadrants().resize((99, 99)), kind)
        assert self.reason(data[: len(data) * 2 // 3])
        if kind in ("JPEG", "PNG"):
            assert self.reason(data[: len(data) * 2 // 3]) == "image file is truncated"

    def test_too_many_pixels(self) -> None:
        data = encoded(Image.new("1", (400, 300)))
        assert self.reason(data, max_pixels=119_999) == (
            "too many pixels: 400x300, the limit is 0.119999 million"
        )
        assert decode(data, 8, max_pixels=120_000).shape == (8, 8, 3)

    def test_a_decompression_bomb_is_rejected_before_decoding(self) -> None:
        """The header of a PNG of 60000x60000 pixels, without data."""
        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        chunk = b"IHDR" + header
        data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
        data += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"
        assert self.reason(data) == "too many pixels: 3,600 million, the limit is 100 million"

    def test_settings_of_pillow_are_restored(self) -> None:
        limit = Image.MAX_IMAGE_PIXELS
        data = encoded(quadrants())
        threads = [threading.Thread(target=decode, args=(data, 8, 10**9)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert limit == Image.MAX_IMAGE_PIXELS

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
    @given(data=st.data())
    def test_corrupt_files_yield_an_image_or_an_image_error(
        self, kind: str, data: st.DataObject
    ) -> None:
        original = bytearray(encoded(quadrants(), kind))
        for _ in range(data.draw(st.integers(1, 5))):
            place = data.draw(st.integers(0, len(original) - 1))
            original[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(original)))
        for corrupt in (bytes(original), bytes(original[:cut])):
            with contextlib.suppress(ImageError):
                assert decode(corrupt, 8, max_pixels=1_000_000).shape == (8, 8, 3)
