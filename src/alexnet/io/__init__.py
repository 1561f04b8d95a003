"""Files: atomic writes, output paths, the cache, locks and downloads."""
