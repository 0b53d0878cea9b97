"""Writes types.st, one tensor of each element type that numpy has, with the reference implementation."""

import numpy as np
from safetensors.numpy import save_file

TYPES = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()
save_file({t: np.array([0, 1, 2.5]).astype(t) for t in TYPES}, "types.st")
