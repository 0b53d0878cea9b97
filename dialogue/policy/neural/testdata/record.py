"""Prints what the policies of a model that Rasa trained predict, and copies their files beside.

The models are those of the bot beside: `rasa train --augmentation 0` with config.yml and data, or with config_e2e.yml,
data and e2e. The recordings are OUT without *data_example*, as tar.gz.

usage: record.py MODEL.tar.gz OUT [SEED [CONVERSATIONS]]
"""
import json, random, sys, shutil, tempfile, dataclasses
from pathlib import Path
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.core.featurizers.precomputation import CoreFeaturizationInputConverter, CoreFeaturizationCollector
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.common import override_defaults

# Rasa 3.6.21 cannot put the tags of two looks at one message side by side; with both in one batch it can.
from rasa.utils.tensorflow.models import RasaModel
alone = RasaModel.run_inference
RasaModel.run_inference = lambda self, data, batch_size=2, **kwargs: alone(self, data, batch_size=max(2, batch_size) if isinstance(batch_size, int) else batch_size, **kwargs)

model, out = sys.argv[1], Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
storage, metadata = LocalModelStorage.from_model_archive(Path(tempfile.mkdtemp()), model)
context = ExecutionContext(GraphSchema({}))
nodes = metadata.predict_schema.nodes
domain = metadata.domain
with storage.read_from(Resource("domain_provider")) as d:
    domain = Domain.from_path(d)
policies, e2e = {}, []
for name, node in nodes.items():
    if "policies" in node.uses.__module__ and name != "select_prediction" and "Rule" not in name:
        config = override_defaults(node.uses.get_default_config(), node.config)
        policies[name] = (node.uses.load(config, storage, node.resource, context), node)
def load(name):
    node = nodes[name]
    config = override_defaults(node.uses.get_default_config(), node.config)
    r = {"resource": node.resource} if node.resource else {}
    if node.constructor_name == "create":
        return node.uses.create(config, storage, node.resource or Resource(name), context)
    return node.uses.load(config, storage, node.resource or Resource(name), context)
chain = []
n = "end_to_end_features_provider"
while n in nodes and n != "tracker_to_message_converter":
    if n != "end_to_end_features_provider":
        chain.insert(0, load(n))
    n = nodes[n].needs["messages"]
uses_e2e = "end_to_end_features_provider" in nodes

for name, (p, node) in policies.items():
    to = out / name.replace("run_", "")
    to.mkdir(exist_ok=True)
    with storage.read_from(node.resource) as d:
        for f in d.iterdir():
            if ".tf_model." not in f.name and f.name != "checkpoint":
                shutil.copy(f, to / f.name)
        for f in d.glob("*.tf_model.index"):
            ck = tf.train.load_checkpoint(str(f)[:-len(".index")])
            tensors = {}
            for k in ck.get_variable_to_shape_map():
                if k.startswith("model/") and "OPTIMIZER" not in k and k.endswith("/.ATTRIBUTES/VARIABLE_VALUE") and not k.startswith("model/optimizer"):
                    tensors[k[len("model/"):-len("/.ATTRIBUTES/VARIABLE_VALUE")]] = np.ascontiguousarray(ck.get_tensor(k))
            save_file(tensors, to / (f.name[:-len(".tf_model.index")] + ".weights.st"))

random.seed(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
TEXTS = ["hello my friend", "bring me a soup now", "thanks a lot", "i am hungry for hot pizza", "fly from Rome to Oslo please", "see you then", "what a day", "hello"]
ENTITIES = [[], [], [{"entity": "dish", "value": "soup"}], [{"entity": "city", "role": "from", "value": "Rome"}, {"entity": "city", "role": "to", "value": "Oslo"}],
            [{"entity": "dish", "value": "a"}, {"entity": "city", "value": "x"}]]
SLOTS = [("dish", "soup"), ("dish", None), ("size", "small"), ("size", "large"), ("size", None), ("share", 2.5), ("share", 99), ("sure", True), ("sure", False), ("sure", None)]
slot_names = {s.name for s in domain.slots}
def walk():
    events = [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}, {"event": "action", "name": "action_listen"}]
    actions = [a for a in domain.action_names_or_texts if a not in ("action_restart", "action_session_start", "action_back", "...", "action_extract_slots")]
    for _ in range(random.randint(1, 9)):
        intent = random.choice(list(domain.intents) + ["unheard_of"])
        text = random.choice(TEXTS)
        events.append({"event": "user", "text": text, "parse_data": {"intent": {"name": intent, "confidence": 0.9}, "entities": random.choice(ENTITIES), "text": text}})
        if uses_e2e and random.random() < 0.4:
            feat = {"event": "user_featurization", "use_text_for_featurization": random.random() < 0.5}
        else:
            feat = None
        for k in range(random.randint(0, 2)):
            name = random.choice(actions)
            if k == 0 and feat:
                events.append(feat)
            if name in domain.action_texts:
                events.append({"event": "action", "name": None, "action_text": name})
            else:
                events.append({"event": "action", "name": name})
                if name.endswith("_form"):
                    events.append({"event": "active_loop", "name": name})
            if random.random() < 0.3:
                key, value = random.choice(SLOTS)
                if key in slot_names:
                    events.append({"event": "slot", "name": key, "value": value})
            if random.random() < 0.1:
                events.append({"event": "active_loop", "name": None})
        if random.random() < 0.85:
            events.append({"event": "action", "name": "action_listen"})
    if random.random() < 0.7 and events[-1].get("name") == "action_listen":
        text = random.choice(TEXTS)
        events.append({"event": "user", "text": text, "parse_data": {"intent": {"name": random.choice(list(domain.intents)), "confidence": 0.9}, "entities": random.choice(ENTITIES), "text": text}})
    for i, e in enumerate(events):
        e["timestamp"] = float(i)
    return events

def featurize():
    """The features of everything that may count by its text or name."""
    def rows(m):
        m = m.tocsr()
        return [[[int(c), float(v)] for c, v in sorted(zip(m[i].indices, m[i].data)) if v != 0] for i in range(m.shape[0])]
    names = {"intent": list(domain.intents) + ["unheard_of"], "action_name": [a for a in domain.action_names_or_texts if a not in domain.action_texts],
             "action_text": domain.action_texts, "text": TEXTS}
    messages = [Message(data={attribute: value}) for attribute, values in names.items() for value in values]
    for c in chain:
        messages = c.process(messages)
    pre = CoreFeaturizationCollector.create({}, None, None, None).collect(messages)
    p = [p for n, (p, _) in policies.items() if "TEDPolicy" in n][0]
    features, tokens = {}, {}
    for attribute, values in names.items():
        features[attribute] = {}
        for value in values:
            f = p.featurizer.state_featurizer._extract_state_features({attribute: value}, pre, sparse=True).get(attribute)
            if f:
                features[attribute][value] = {x.type: rows(x.features) for x in f}
    for text in TEXTS:
        tokens[text] = [[t.text, t.start, t.end] for t in pre.lookup_message(text).get("text_tokens")]
    return {"features": features, "tokens": tokens}

result = {"domain": domain.as_dict(), "policies": {n.replace("run_", ""): {"class": node.uses.__name__, "config": node.config} for n, (p, node) in policies.items()}, "conversations": []}
if uses_e2e:
    result.update(featurize())
for i in range(int(sys.argv[4]) if len(sys.argv) > 4 else 30):
    events = walk()
    tracker = DialogueStateTracker.from_events("x", [Event.from_parameters(e) for e in json.loads(json.dumps(events))], domain.slots, domain=domain)
    kwargs = {}
    if uses_e2e:
        messages = CoreFeaturizationInputConverter.create({}, None, None, None).convert_for_inference(tracker)
        for c in chain:
            messages = c.process(messages)
        kwargs["precomputations"] = CoreFeaturizationCollector.create({}, None, None, None).collect(messages)
    row = {"events": events, "predictions": {}}
    for name, (p, node) in policies.items():
        try:
            pred = p.predict_action_probabilities(tracker, domain, rule_only_data=None, **kwargs)
            row["predictions"][name.replace("run_", "")] = {"probabilities": [float(x) for x in pred.probabilities], "e2e": bool(pred.is_end_to_end_prediction), "metadata": pred.action_metadata,
              "optional": [e.as_dict() for e in pred.optional_events]}
        except Exception as e:
            row["predictions"][name.replace("run_", "")] = {"error": repr(e)}
    result["conversations"].append(row)
(out / "predictions.json").write_text(json.dumps(result))
print({k: v for k, v in result["conversations"][0]["predictions"].items()})
