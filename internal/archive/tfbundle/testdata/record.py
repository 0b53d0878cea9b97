"""Writes checkpoints with TensorFlow 2.12: `types` with one variable of each element type, `shards` with two data files."""

import numpy as np
import tensorflow as tf

TYPES = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()


def save(prefix, names, arrays):
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=arrays)


def main():
    arrays = [tf.constant(np.array([[0, 1, 2.5]]).astype(t)) for t in TYPES]
    save("types", TYPES + ["scalar", "text"], arrays + [tf.constant(7.5), tf.constant(["a", "bc"])])
    for i in range(2):
        # Long names with a common start, in more than one restart interval.
        names = [f"model/layers/number {i} {j:02d}/kernel" for j in range(20)]
        save(f"part{i}", names, [tf.fill([2, j], float(100 * i + j)) for j in range(20)])
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=["part0", "part1"], destination_prefix="shards", delete_old_dirs=False)


main()
