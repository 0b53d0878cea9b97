"""Records in rasa.json.gz what Rasa's CRFEntityExtractor finds: python record.py (Rasa 3.6.21 installed)."""
import gzip
import json
import pathlib
import tempfile

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.crf_entity_extractor import CRFEntityExtractor
from rasa.nlu.featurizers.sparse_featurizer.regex_featurizer import RegexFeaturizer
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message

HERE = pathlib.Path(__file__).parent
DEFAULT = CRFEntityExtractor.get_default_config()["features"]
NAMES = [[f.value for f in part] for part in DEFAULT]
CASES = {
    "defaults": {},
    "bare tags": {"BILOU_flag": False},
    "no split": {"split_entities_by_comma": False},
    "split by entity": {"split_entities_by_comma": {"city": False, "topping": True}},
    "bare tags, no split": {"BILOU_flag": False, "split_entities_by_comma": {"city": False}},
    "few steps": {"max_iterations": 5},
    "no L1": {"L1_c": 0.0, "max_iterations": 30},
    "no L2": {"L2_c": 0.0, "L1_c": 0.5},
    "no regularization": {"L1_c": 0, "L2_c": 0, "max_iterations": 12},
    "until the end": {"L1_c": 1.0, "L2_c": 1.0, "max_iterations": 500},
    "only the token": {"features": [["low", "suffix1", "entity"]]},
    "wide window": {"features": [["low"], ["low", "low"], NAMES[1], ["title", "pattern"], ["prefix2"]]},
    "dense features": {"features": [["low"], ["bias", "text_dense_features"], ["text_dense_features"]]},
    "one dense featurizer": {"features": [["text_dense_features", "low", "bias"]], "featurizers": ["second"]},
    "no such featurizer": {"featurizers": ["third"]},
}
MESSAGES = [
    "a train from Lima to New York", "from Quito to San Juan de Sol on sunday", "fly to Paris, Rome", "Rome . Paris",
    "two Large pizza with ham, green olives and mushrooms", "a small pizza with green ham and a large one with olives",
    "code ZZ123 please", "hello", "Oslo - Bonn on Monday from Rome", "los angeles,  San Juan de Sol", "Zürich to NEW YORK 2024 🚲 oslo",
    "", "to to to from", "ham",
]


def dense(message, origin, width):
    tokens = message.get("text_tokens")
    if not tokens:
        return
    rows = [[(ord((t.text or "?")[(i + 1) % (len(t.text) or 1)]) % 23) / 7 - 1.5 for i in range(width)] for t in tokens]
    rows = np.array(rows, dtype=np.float32)
    message.add_features(Features(rows, "sequence", "text", origin))
    message.add_features(Features(rows[:1], "sentence", "text", origin))


def prepare(tokenizer, regex, messages):
    tokenizer.process(messages)
    regex.process(messages)
    for message in messages:
        dense(message, "first", 3)
        dense(message, "second", 2)


def record(name, options):
    data = load_data(str(HERE / "nlu.yml"))
    storage = LocalModelStorage(pathlib.Path(tempfile.mkdtemp()))
    context = ExecutionContext(GraphSchema({}))
    tokenizer = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
    tokenizer.process_training_data(data)
    regex = RegexFeaturizer.create(RegexFeaturizer.get_default_config(), storage, Resource("regex"), context)
    regex.train(data)
    regex.process_training_data(data)
    for message in data.training_examples:
        dense(message, "first", 3)
        dense(message, "second", 2)
    config = {**CRFEntityExtractor.get_default_config(), **json.loads(json.dumps(options))}
    resource = Resource("crf")
    CRFEntityExtractor.create(config, storage, resource, context).train(data)
    extractor = CRFEntityExtractor.load(config, storage, resource, context)
    found = []
    for text in MESSAGES:
        message = Message.build(text)
        prepare(tokenizer, regex, [message])
        extractor.process([message])
        found.append({"text": text, "entities": message.get("entities")})
    with storage.read_from(resource) as folder:
        files = {p.name: p.read_text("utf-8") for p in sorted(folder.iterdir())}
    if name not in ("defaults", "bare tags", "dense features"):
        files = {}
    return {"name": name, "options": options, "messages": found, "files": files}


out = [record(name, options) for name, options in CASES.items()]
with gzip.GzipFile(HERE / "rasa.json.gz", "wb", mtime=0) as f:
    f.write(json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode())
