"""Pictures in: found, checked, split, decoded once and kept."""

from alexnet.data.cache import CacheEntry, cache_dir, cache_entries, clear_cache
from alexnet.data.check import CheckReport, check
from alexnet.data.decode import MAX_PIXELS, Picture, PictureError, decode, read_picture
from alexnet.data.find import find
from alexnet.data.fingerprint import fingerprints
from alexnet.data.samples import Dataset, Sample, natural_key, problems, require_trainable
from alexnet.data.split import with_split
from alexnet.data.store import Store, open_store

__all__ = [
    "MAX_PIXELS",
    "CacheEntry",
    "CheckReport",
    "Dataset",
    "Picture",
    "PictureError",
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
    "read_picture",
    "require_trainable",
    "with_split",
]
