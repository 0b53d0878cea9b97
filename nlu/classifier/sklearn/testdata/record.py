"""Records in rasa.json what Rasa's SklearnIntentClassifier learns: python record.py (Rasa 3.6.21 installed)."""
import base64
import json
import pathlib
import tempfile

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.sklearn_intent_classifier import SklearnIntentClassifier
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

WIDTH = 6


def message(i, vector, intent=None):
    m = Message(data={"text": f"text {i}", **({"intent": intent} if intent else {})})
    m.add_features(Features(np.array([vector], dtype=np.float32), "sentence", "text", "first"))
    return m


def record(name, intents, options):
    rng = np.random.RandomState(len(name))
    centres = {k: rng.normal(size=WIDTH) for k in intents}
    draw = lambda k: (centres[k] + 0.7 * rng.normal(size=WIDTH)).round(3).tolist()
    examples = [[k, draw(k)] for k, n in intents.items() for _ in range(n)]
    rng.shuffle(examples)
    tests = [draw(k) for k in intents for _ in range(2)]
    storage, resource = LocalModelStorage(pathlib.Path(tempfile.mkdtemp())), Resource("svm")
    config = {**SklearnIntentClassifier.get_default_config(), **options}
    context = ExecutionContext(GraphSchema({}))
    np.random.seed(1)
    data = TrainingData([message(i, v, k) for i, (k, v) in enumerate(examples)])
    trained = SklearnIntentClassifier.create(config, storage, resource, context)
    trained.train(data)
    c = SklearnIntentClassifier.load(config, storage, resource, context)
    messages = [message(i, v) for i, v in enumerate(tests)]
    c.process(messages)
    with storage.read_from(resource) as folder:
        files = {p.name: base64.b64encode(p.read_bytes()).decode() for p in sorted(folder.iterdir())}
    return {
        "name": name, "options": options, "examples": examples, "files": files, "best": trained.clf.best_params_,
        "tests": [{"vector": v, "ranking": m.get("intent_ranking")} for v, m in zip(tests, messages)],
    }


cases = [
    record("defaults", {"yes": 12, "no": 9, "größe": 15, "bye": 11}, {}),
    record("two intents", {"b": 20, "a": 31}, {"C": [3]}),
    record("kernels", {f"i{k}": 6 for k in range(12)}, {"kernels": ["rbf", "linear"], "gamma": [0.05, 0.2], "C": [1, 4]}),
    record("scale", {"x": 7, "y": 30, "z": 9}, {"kernels": ["rbf"], "gamma": ["scale"], "scoring_function": "accuracy"}),
]
(pathlib.Path(__file__).parent / "rasa.json").write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")))
