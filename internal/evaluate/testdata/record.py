#!/usr/bin/env python3
"""Records what Rasa 3.6.21's evaluation makes of predictions that are written down here, and NumPy's argsort.

usage: PYTHON_OF_RASA record.py, which writes rasa.json

Stories: test_stories.yml is played with domain.yml; parse results and actions come from script.json, action by action
as they are asked for. Entities: evaluate_entities on the messages of script.json.
"""
import asyncio, json, logging, os, tempfile

os.environ.update(RASA_TELEMETRY_ENABLED="false", TF_CPP_MIN_LOG_LEVEL="3")
import numpy as np
import rasa.core.test as core_test
import rasa.nlu.test as nlu_test
from rasa.core.policies.policy import PolicyPrediction
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import EntitiesAdded

logging.disable(logging.CRITICAL)
HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = json.load(open(os.path.join(HERE, "script.json")))
DOMAIN = Domain.load(os.path.join(HERE, "domain.yml"))


def read(folder):
    out = {}
    for name in sorted(os.listdir(folder)):
        text = open(os.path.join(folder, name)).read()
        out[name] = json.loads(text) if name.endswith(".json") else text
    return out


class Action:
    def __init__(self, name):
        self._name = name

    def name(self):
        return self._name


class Processor:
    domain = DOMAIN

    def __init__(self):
        self.actions = {story: iter(actions) for story, actions in SCRIPT["actions"].items()}

    async def parse_message(self, message, **_):
        return json.loads(json.dumps(SCRIPT["parse"][message.text]))

    def predict_next_with_tracker_if_should(self, tracker):
        a = next(self.actions[tracker.sender_id])
        events = [EntitiesAdded(a["entities"])] if "entities" in a else []
        metadata = {"query_intent": {"severity": a["severity"]}} if "severity" in a else None
        p = PolicyPrediction([0.0, a.get("confidence", 1.0)], policy_name=a.get("policy", "MemoizationPolicy"), events=events, action_metadata=metadata)
        return Action(a["name"]), p


class Agent:
    domain = DOMAIN
    processor = Processor()


def stories():
    with tempfile.TemporaryDirectory() as out:
        os.chdir(HERE)
        core_test.telemetry.track_core_model_test = lambda *a, **k: None
        asyncio.run(core_test.test("test_stories.yml", Agent(), out_directory=out, e2e=True, disable_plotting=True, successes=True))
        files = read(out)
        for name in files:
            if isinstance(files[name], str):
                files[name] = files[name].replace(HERE + "/", "")
        return files


def entities():
    results = [nlu_test.EntityEvaluationResult(m["entities"], m["predicted"], [Token(m["text"][a:b], a, b) for a, b in m["tokens"]], m["text"])
               for m in SCRIPT["messages"]]
    with tempfile.TemporaryDirectory() as out:
        nlu_test.evaluate_entities(results, nlu_test._get_active_entity_extractors(results), out, True, True, True)
        aligned = nlu_test.align_all_entity_predictions(results, nlu_test._get_active_entity_extractors(results))
        return {"files": read(out), "confidences": nlu_test.merge_confidences(aligned, "DIETClassifier")}


def argsort():
    rng = np.random.RandomState(3)
    out = []
    for n in (1, 5, 16, 17, 18, 19, 40, 77, 150):
        for top in (2, 4, 30):
            keys = rng.randint(0, top, n)
            out.append({"keys": keys.tolist(), "order": np.argsort(keys).tolist()})
    return out


if __name__ == "__main__":
    s, e = stories(), entities()
    with open(os.path.join(HERE, "rasa.json"), "w") as f:
        json.dump({"stories": s, "entities": e, "argsort": argsort()}, f, ensure_ascii=False, separators=(",", ":"))
