"""Find, check, split, decode and cache the images of a dataset."""

from alexnet.data.decoding import MAX_PIXELS, DecodedImage, ImageError, decode, read_image
from alexnet.data.hashing import fingerprints
from alexnet.data.quality import CheckReport, check
from alexnet.data.samples import Dataset, Sample, problems, require_trainable
from alexnet.data.sources import find
from alexnet.data.splitting import with_split
from alexnet.data.store import Store, open_store
from alexnet.io.cache import CacheEntry, cache_dir, cache_entries, clear_cache
from alexnet.sorting import natural_key

__all__ = [
    "MAX_PIXELS",
    "CacheEntry",
    "CheckReport",
    "Dataset",
    "DecodedImage",
    "ImageError",
    "Sample",
    "Store",
    "cache_dir",
    "cache_entries",
    "check",
    "clear_cache",
    "decode",
    "find",
    "fingerprints",
    "natural_key",
    "open_store",
    "problems",
    "read_image",
    "require_trainable",
    "with_split",
]
