"""Makes the tiny random models in bert/ and distilbert/ and records in rasa.json.gz what Rasa's LanguageModelFeaturizer
and sentence-transformers' pooling make of them: python record.py (Rasa 3.6.21 with transformers 4.26.1 installed).

    record.py FOLDER OUT   records in OUT what a model that is there makes of the same messages.
"""
import gzip
import json
import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.featurizers.dense_featurizer.lm_featurizer import LanguageModelFeaturizer
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.message import Message
from safetensors.numpy import load_file, save_file
from transformers import BertConfig, BertTokenizer, DistilBertConfig, DistilBertTokenizer, TFBertModel, TFDistilBertModel

HERE = pathlib.Path(__file__).parent
MESSAGES = [
    "hello", "What's the weather in Zürich?", "naïve café 東京tower", "one, two; three...", "unaffable [MASK] x[SEP]y", "ÀÉÎ ǅ ß İstanbul ΣΑΣ",
    "🚲 emoji", "a\u200bb \u00ad c\ufffdd", "-", "x" * 101 + " ok", "don't stop-me now 3.14 €5", "Τί ΕΊΝΑΙ", "￼ \u0378",
]
CONFIG = dict(num_hidden_layers=2, layer_norm_eps=1e-12)


def vocabulary():
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    words = list("abcdefghijklmnopqrstuvwxyz") + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz"] + list("0123456789?,.;'-!€京東")
    words += ["hello", "what", "weather", "un", "##aff", "##able", "the", "zurich", "Z", "ü", "##ü", "H", "W", "ß", "##ß", "τι", "ειναι", "σ", "##σ", "##α", "tower"]
    words += ["##東", "##京", "É", "##É", "naive", "caf", "##é", "##10", "##0", "##1", "##4", "##5"]
    out = []
    while words or len(out) <= 103:
        out.append(special.get(len(out)) or (words.pop(0) if words else f"[unused{len(out)}]"))
    return out


def torch_names(model, kind):
    """The variables under the names and in the layout of PyTorch."""
    out = {}
    for v in model.variables:
        name = v.name.split(":")[0].split("/", 2)[2]
        value = v.numpy()
        name = name.replace("layer_._", "layer.").replace("/", ".").replace("gamma", "weight").replace("beta", "bias")
        if name.endswith("kernel"):
            name, value = name[:-6] + "weight", value.T
        name = name.replace("embeddings.weight", "embeddings.word_embeddings.weight") if name == "embeddings.weight" else name
        name = name.replace("embeddings.embeddings", "embeddings.weight")
        out[name] = np.ascontiguousarray(value, dtype=np.float32)
    return {k: v for k, v in out.items() if not k.startswith("pooler")}


def make(kind):
    folder = HERE / kind
    folder.mkdir(exist_ok=True)
    words = vocabulary()
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    tf.random.set_seed(3)
    if kind == "bert":
        config = BertConfig(vocab_size=len(words), hidden_size=12, num_attention_heads=3, intermediate_size=20, initializer_range=0.4, **CONFIG)
        model = TFBertModel(config)
        options = {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    else:
        config = DistilBertConfig(vocab_size=len(words), dim=8, n_heads=2, hidden_dim=12, n_layers=2, initializer_range=0.5)
        model = TFDistilBertModel(config)
        options = {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}
    model(tf.constant([[101, 1, 102]]))
    rng = np.random.RandomState(5)
    for v in model.variables:
        if v.shape.rank == 1:
            v.assign(v + 0.2 * rng.normal(size=v.shape))
    config.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    save_file(torch_names(model, kind), folder / "model.safetensors")
    temp = pathlib.Path(tempfile.mkdtemp())
    model.save_pretrained(temp)
    for file in ("vocab.txt", "tokenizer_config.json"):
        (temp / file).write_bytes((folder / file).read_bytes())
    return temp


def from_safetensors(folder):
    """A folder with the same model for TensorFlow."""
    temp = pathlib.Path(tempfile.mkdtemp())
    model = TFBertModel(BertConfig.from_pretrained(folder))
    model(tf.constant([[101, 102]]))
    tensors = load_file(folder / "model.safetensors")
    names = torch_names(model, "bert")
    for v, name in zip([v for v in model.variables if "pooler" not in v.name], names):
        value = tensors[name]
        v.assign(value.T if "kernel" in v.name else value)
    model.save_pretrained(temp)
    for file in ("vocab.txt", "tokenizer_config.json"):
        (temp / file).write_bytes((folder / file).read_bytes())
    return temp


def rounded(array):
    return [[round(float(x), 6) for x in row] for row in array]


def record(kind, folder, long=True):
    context = ExecutionContext(GraphSchema({}), node_name="lm")
    config = {**LanguageModelFeaturizer.get_default_config(), "model_name": kind, "model_weights": str(folder)}
    storage = LocalModelStorage(pathlib.Path(tempfile.mkdtemp()))
    featurizer = LanguageModelFeaturizer.create(config, storage, Resource("lm"), context)
    tokenizer = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
    out = []
    for text in MESSAGES + (["hello unaffable " * 200] if long else []):
        message = Message.build(text)
        tokenizer.process([message])
        pieces = featurizer.tokenizer.encode(text, add_special_tokens=True)
        featurizer.process([message])
        sequence, sentence = message.get_dense_features("text")
        sequence = rounded(sequence.features)
        ids = pieces if len(pieces) <= 512 else pieces[:511] + pieces[-1:]
        hidden = featurizer.model(tf.constant([ids]))[0].numpy()[0]
        mean = hidden.mean(axis=0)
        out.append({"text": text, "pieces": pieces[1:-1] if len(pieces) < 100 else [], "rows": len(sequence),
                    "sequence": sequence if len(sequence) < 100 else sequence[250:300],
                    "sentence": rounded(sentence.features)[0], "embedding": rounded([mean / np.linalg.norm(mean)])[0]})
    return {"model_name": kind, "messages": out}


def write(path, data):
    with gzip.GzipFile(path, "wb", mtime=0) as f:
        f.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
    write(sys.argv[2], [record("bert", from_safetensors(folder), False)])
else:
    write(HERE / "rasa.json.gz", [record(kind, make(kind)) for kind in ("bert", "distilbert")])
