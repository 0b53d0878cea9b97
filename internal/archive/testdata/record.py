"""Writes the checkpoint `layers` with TensorFlow 2.12: variables under the names that Rasa's models have."""

import tensorflow as tf

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
VARIABLES = {
    "model/_tf_layers/embed..text/_dense/kernel" + SUFFIX: tf.reshape(tf.range(6, dtype=tf.float32), [2, 3]),
    "model/_tf_layers/embed..text/_dense/bias" + SUFFIX: tf.ones([3]),
    "model/threshold" + SUFFIX: tf.constant(0.5),
    "model/intent_acc/total" + SUFFIX: tf.constant(1.0),
    "model/intent_acc/count" + SUFFIX: tf.constant(2.0),
    "model/optimizer/_variables/1" + SUFFIX: tf.zeros([2, 3]),
    "model/_tf_layers/embed..text/_dense/kernel/.OPTIMIZER_SLOT/model/optimizer/m" + SUFFIX: tf.zeros([2, 3]),
    "_CHECKPOINTABLE_OBJECT_GRAPH": tf.constant("graph"),
}
names = sorted(VARIABLES)
tf.raw_ops.SaveV2(prefix="layers", tensor_names=names, shape_and_slices=[""] * len(names), tensors=[VARIABLES[n] for n in names])
