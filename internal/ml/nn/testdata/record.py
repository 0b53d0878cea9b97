"""Records what Rasa's layers compute, for the tests of this package.

Run with the Python that Rasa 3.6.21 is installed in: python record.py <kind>...; without a kind it records all of them.
Values are rounded to 7 digits. Dropout is off; what Rasa draws at random is recorded too.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

from rasa.utils.tensorflow import layers, layers_utils, rasa_layers, transformer
from rasa.utils.tensorflow.model_data import FeatureSignature

HERE = os.path.dirname(os.path.abspath(__file__))


def numbers(x):
    return [float("%.7g" % v) for v in np.asarray(x, dtype=np.float64).flatten()]


def array(x):
    return {"shape": list(np.shape(x)), "data": numbers(x)}


def paths(layer, prefix):
    """Variables by their object path below layer."""
    checkpoint = tf.train.Checkpoint(model=layer)
    names = {}
    file = checkpoint.write("/tmp/nn_record")
    reader = tf.train.load_checkpoint(file)
    by_value = {}
    for key in reader.get_variable_to_shape_map():
        if key.startswith("model/") and key.endswith("/.ATTRIBUTES/VARIABLE_VALUE"):
            name = key[len("model/"):-len("/.ATTRIBUTES/VARIABLE_VALUE")]
            by_value[name] = reader.get_tensor(key)
    for name, value in by_value.items():
        for variable in layer.variables:
            if variable.shape == value.shape and np.array_equal(variable.numpy(), value):
                names[variable.ref()] = prefix + name
    return {prefix + n: v for n, v in by_value.items()}, names


def shake(layer, rng):
    """Gives every variable but masks a value of its own."""
    for v in layer.variables:
        if "kernel_mask" not in v.name and v.dtype == tf.float32:
            v.assign(v + rng.normal(0, 0.1, v.shape).astype(np.float32))


def unpad(x, lengths):
    return np.concatenate([np.asarray(x)[i, :n] for i, n in enumerate(lengths)], axis=0)


def record_transformer():
    cases = []
    for name, options in {
        "plain": {},
        "unidirectional": {"unidirectional": True},
        "key relative": {"use_key_relative_position": True},
        "value relative": {"use_value_relative_position": True},
        "both relative, all connected": {"use_key_relative_position": True, "use_value_relative_position": True, "density": 1.0},
        "both relative, unidirectional": {
            "use_key_relative_position": True,
            "use_value_relative_position": True,
            "unidirectional": True,
        },
        "nothing but the minimal connections": {"density": 0.0},
    }.items():
        rng = np.random.default_rng(len(cases))
        tf.random.set_seed(len(cases))
        options = {"density": 0.4, "max_relative_position": 2, **options}
        layer = transformer.TransformerEncoder(2, 4, 2, 16, 0.01, **options)
        lengths = [4, 1, 6]
        x = np.zeros((3, max(lengths), 5), np.float32)
        mask = np.zeros((3, max(lengths), 1), np.float32)
        for i, n in enumerate(lengths):
            x[i, :n] = rng.normal(size=(n, 5))
            mask[i, :n] = 1
        x = tf.constant(x)
        layer(x, 1 - mask, training=False)
        shake(layer, rng)
        layer(x, 1 - mask, training=False)
        variables, names = paths(layer, "")
        up = rng.normal(size=(3, max(lengths), 4)).astype(np.float32) * mask
        wanted = list(layer.trainable_variables)
        with tf.GradientTape() as tape:
            tape.watch(x)
            out, _ = layer(x, 1 - mask, training=False)
            loss = tf.reduce_sum(out * up)
        every = tape.gradient(loss, wanted + [x])
        grads = {names[v.ref()]: array(g) for v, g in zip(wanted, every) if g is not None}
        cases.append(
            {
                "name": name,
                "unidirectional": options.get("unidirectional", False),
                "key_relative": options.get("use_key_relative_position", False),
                "value_relative": options.get("use_value_relative_position", False),
                "density": options["density"],
                "lengths": lengths,
                "variables": {n: array(v) for n, v in variables.items()},
                "input": array(unpad(x, lengths)),
                "output": array(unpad(out, lengths)),
                "upstream": array(unpad(up, lengths)),
                "input_gradient": array(unpad(every[-1], lengths)),
                "gradients": grads,
            }
        )
    return cases


def config(**changes):
    return {
        "regularization_constant": 0.01,
        "connection_density": 0.5,
        "number_of_transformer_layers": 1,
        "transformer_size": 8,
        "number_of_attention_heads": 2,
        "unidirectional_encoder": False,
        "use_key_relative_attention": False,
        "use_value_relative_attention": False,
        "max_relative_position": 2,
        "use_masked_language_model": False,
        "hidden_layers_sizes": {"text": []},
        "drop_rate": 0.2,
        "use_sparse_input_dropout": True,
        "use_dense_input_dropout": True,
        "dense_dimension": {"text": 6},
        "concat_dimension": {"text": 7},
        "drop_rate_attention": 0.0,
        **changes,
    }


def sparse(rng, batch, length, units, lengths):
    dense = (rng.random((batch, length, units)) < 0.4).astype(np.float32)
    for i, n in enumerate(lengths):
        dense[i, n:] = 0
    return dense


def record_sequence():
    cases = []
    for name, changes, dense_units in [
        ("sparse only", {}, 0),
        ("widths differ", {}, 3),
        ("hidden layers", {"hidden_layers_sizes": {"text": [9, 5]}}, 3),
        ("no transformer", {"number_of_transformer_layers": 0, "hidden_layers_sizes": {"text": [9]}}, 0),
    ]:
        rng = np.random.default_rng(100 + len(cases))
        tf.random.set_seed(100 + len(cases))
        lengths = [3, 1, 4]
        words = sparse(rng, 3, 4, 10, lengths)
        wholes = sparse(rng, 3, 1, 4, [1, 1, 1])
        signature = {
            "sequence": [FeatureSignature(True, 10, 3)],
            "sentence": [FeatureSignature(True, 4, 3)],
        }
        sequence = [tf.sparse.from_dense(words)]
        dense = None
        if dense_units:
            dense = rng.normal(size=(3, 4, dense_units)).astype(np.float32)
            signature["sequence"].append(FeatureSignature(False, dense_units, 3))
            sequence.append(tf.constant(dense))
        cfg = config(**changes)
        layer = rasa_layers.RasaSequenceLayer("text", signature, cfg)
        inputs = (sequence, [tf.sparse.from_dense(wholes)], tf.constant(lengths))
        layer(inputs, training=False)
        shake(layer, rng)
        out, hidden, _, _, _, _ = layer(inputs, training=False)
        variables, names = paths(layer, "text/")
        whole_lengths = [n + 1 for n in lengths]
        mask = np.zeros((3, max(whole_lengths), 1), np.float32)
        for i, n in enumerate(whole_lengths):
            mask[i, :n] = 1
        up = rng.normal(size=out.shape).astype(np.float32) * mask
        with tf.GradientTape() as tape:
            out, hidden, _, _, _, _ = layer(inputs, training=False)
            loss = tf.reduce_sum(out * up)
        wanted = list(layer.trainable_variables)
        every = tape.gradient(loss, wanted)
        cases.append(
            {
                "name": name,
                "layers": cfg["number_of_transformer_layers"],
                "hidden_layers": cfg["hidden_layers_sizes"]["text"],
                "lengths": lengths,
                "words": array(unpad(words, lengths)),
                "dense": array(unpad(dense, lengths)) if dense_units else None,
                "wholes": array(wholes[:, 0]),
                "variables": {n: array(v) for n, v in variables.items()},
                "output": array(unpad(out, whole_lengths)),
                "hidden": array(unpad(hidden, whole_lengths)),
                "upstream": array(unpad(up, whole_lengths)),
                "gradients": {
                    names[v.ref()]: array(tf.convert_to_tensor(g)) for v, g in zip(wanted, every) if g is not None
                },
            }
        )
    return cases


class Drawn:
    """Stands in for layers_utils.random_indices and remembers what it drew."""

    def __init__(self, rng):
        self.rng, self.drawn = rng, []

    def __call__(self, batch_size, n, n_max):
        out = self.rng.integers(0, int(n_max), size=(int(batch_size), int(n)))
        self.drawn.append([int(v) for v in out.flatten()])
        return tf.constant(out, tf.int32)


def record_single():
    cases = []
    for name, options, scale in [
        ("defaults of DIET", {"scale_loss": False, "constrain_similarities": False}, 1.0),
        ("constrained", {"scale_loss": False, "constrain_similarities": True}, 1.0),
        ("scaled, nothing learned", {"scale_loss": True, "constrain_similarities": True}, 0.1),
        ("scaled", {"scale_loss": True, "constrain_similarities": False}, 3.0),
        ("cosine", {"similarity_type": "cosine", "constrain_similarities": False}, 1.0),
        ("margin", {"loss_type": "margin", "similarity_type": "cosine"}, 1.0),
        ("margin, all negatives", {"loss_type": "margin", "use_max_sim_neg": False, "similarity_type": "inner"}, 0.5),
    ]:
        rng = np.random.default_rng(200 + len(cases))
        rows, kinds, width, negatives = 6, 4, 5, 3
        every = tf.constant(rng.normal(size=(kinds, width)).astype(np.float32) * scale)
        ids = rng.integers(0, kinds, size=(rows, 1)).astype(np.float32)
        inputs = tf.constant((rng.normal(size=(rows, width)) * scale * 0.5).astype(np.float32) + every.numpy()[ids[:, 0].astype(int)])
        labels = tf.constant(every.numpy()[ids[:, 0].astype(int)])
        loss_layer = layers.SingleLabelDotProductLoss(negatives, **options)
        layers_utils.random_indices = drawn = Drawn(rng)
        with tf.GradientTape() as tape:
            tape.watch([inputs, labels, every])
            loss, accuracy = loss_layer(inputs, labels, ids, every, np.arange(kinds, dtype=np.float32)[:, None])
        grads = tape.gradient(loss, [inputs, labels, every])
        cases.append(
            {
                "name": name,
                "negatives": negatives,
                "cosine": loss_layer.similarity_type == "cosine",
                "scale": loss_layer.scale_loss,
                "constrain": loss_layer.constrain_similarities,
                "margin": loss_layer.loss_type == "margin",
                "max_negative": loss_layer.use_max_sim_neg,
                "ids": [int(i) for i in ids[:, 0]],
                "inputs": array(inputs),
                "labels": array(labels),
                "all": array(every),
                "negative_inputs": drawn.drawn[0],
                "negative_labels": drawn.drawn[1],
                "loss": float(loss),
                "accuracy": float(accuracy),
                "gradients": [array(tf.convert_to_tensor(g)) for g in grads],
            }
        )
    return cases


def record_multi():
    cases = []
    for name, options, scale in [
        ("plain", {"scale_loss": False}, 1.0),
        ("scaled", {"scale_loss": True}, 2.0),
        ("cosine", {"scale_loss": False, "similarity_type": "cosine"}, 1.0),
    ]:
        rng = np.random.default_rng(300 + len(cases))
        kinds, width, negatives = 5, 4, 3
        every = tf.constant(rng.normal(size=(kinds, width)).astype(np.float32) * scale)
        own = [[0, 3], [1, 1], [4, 2]]
        ids = np.array(own, np.float32)[..., None]
        inputs = tf.constant(rng.normal(size=(3, 1, width)).astype(np.float32))
        labels = tf.constant(every.numpy()[ids[..., 0].astype(int)])
        loss_layer = layers.MultiLabelDotProductLoss(negatives, **options)
        layers_utils.random_indices = drawn = Drawn(rng)
        with tf.GradientTape() as tape:
            tape.watch([inputs, labels, every])
            loss, accuracy = loss_layer(inputs, labels, ids, every, np.arange(kinds, dtype=np.float32)[:, None])
        grads = tape.gradient(loss, [inputs, labels, every])
        cases.append(
            {
                "name": name,
                "negatives": negatives,
                "cosine": loss_layer.similarity_type == "cosine",
                "scale": loss_layer.scale_loss,
                "ids": [i for row in own for i in row],
                "lengths": [len(row) for row in own],
                "inputs": array(inputs[:, 0]),
                "labels": array(tf.reshape(labels, (-1, width))),
                "all": array(every),
                "drawn": drawn.drawn[0],
                "loss": float(loss),
                "accuracy": float(accuracy),
                "gradients": [
                    array(grads[0][:, 0]),
                    array(tf.reshape(grads[1], (-1, width))),
                    array(tf.convert_to_tensor(grads[2])),
                ],
            }
        )
    return cases


def record_crf():
    cases = []
    for name, lengths, scale_loss, size in [
        ("lengths differ", [4, 1, 6], False, 1.0),
        ("one row each", [1, 1], False, 1.0),
        ("scaled", [3, 2], True, 4.0),
        ("scaled, nothing learned", [3, 2], True, 0.1),
        ("certain", [7, 3], False, 40.0),
    ]:
        rng = np.random.default_rng(400 + len(cases))
        tf.random.set_seed(400 + len(cases))
        layer = layers.CRF(4, 0.01, scale_loss)
        logits = (rng.normal(size=(len(lengths), max(lengths), 4)) * size).astype(np.float32)
        tags = rng.integers(0, 4, size=(len(lengths), max(lengths))).astype(np.int32)
        if scale_loss:
            tags = logits.argmax(-1).astype(np.int32)
        logits = tf.constant(logits)
        decoded, confidences = layer(logits, tf.constant(lengths))
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = layer.loss(logits, tags, tf.constant(lengths))
        grads = tape.gradient(loss, [logits, layer.transition_params])
        mask = np.arange(max(lengths))[None, :] < np.array(lengths)[:, None]
        f1 = layer.f1_score(tags, decoded, mask.astype(np.float32)[..., None])
        cases.append(
            {
                "name": name,
                "lengths": lengths,
                "scale": scale_loss,
                "transitions": array(layer.transition_params),
                "logits": array(unpad(logits, lengths)),
                "tags": [int(v) for v in unpad(tags, lengths)],
                "decoded": [int(v) for v in unpad(decoded, lengths)],
                "confidences": numbers(unpad(confidences, lengths)),
                "f1": float(f1),
                "loss": float(loss),
                "gradients": [array(unpad(grads[0], lengths)), array(grads[1] if grads[1] is not None else tf.zeros((4, 4)))],
            }
        )
    return cases


def record_adam():
    """Five steps of train_step's rule, gradients made up."""
    rng = np.random.default_rng(500)
    variable = tf.Variable(rng.normal(size=(3, 4)).astype(np.float32))
    start = array(variable)
    optimizer = tf.keras.optimizers.Adam(0.001)
    steps = []
    for _ in range(5):
        g = tf.constant(rng.normal(size=(3, 4)).astype(np.float32))
        reg = 2 * 0.01 * variable
        optimizer.apply_gradients([(g + tf.where(g > 0, reg, tf.zeros_like(reg)), variable)])
        steps.append({"gradient": array(g), "after": array(variable)})
    return [{"start": start, "l2": 0.01, "steps": steps}]


def main():
    kinds = sys.argv[1:] or ["transformer", "sequence", "single", "multi", "crf", "adam"]
    for kind in kinds:
        cases = globals()["record_" + kind]()
        with open(os.path.join(HERE, kind + ".json"), "w") as f:
            f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


main()
