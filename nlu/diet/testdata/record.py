"""Trains tiny bots with Rasa 3.6.21 and keeps what its components persisted and how they parse.

usage: record.py [NAME ...]       (python of an installation of Rasa)

NAME.zip has the files of each trained component, the checkpoints turned into safetensors files, with config.json (the
entries of the pipeline) and parses.json.
"""
import json, os, pathlib, subprocess, sys, tarfile, tempfile, zipfile

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", RASA_TELEMETRY_ENABLED="false", OMP_NUM_THREADS="1")
HERE = pathlib.Path(__file__).resolve().parent
WORDS = [{"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, {"name": "LexicalSyntacticFeaturizer"}, {"name": "CountVectorsFeaturizer"}]
SMALL = {"random_seed": 1, "batch_size": 16, "dense_dimension": {"text": 8, "label": 6}, "concat_dimension": {"text": 8, "label": 6},
         "transformer_size": 8, "number_of_attention_heads": 2, "embedding_dimension": 6}
SELECTOR = {**SMALL, "number_of_transformer_layers": 0, "hidden_layers_sizes": {"text": [8, 6], "label": [8, 6]}}
BOTS = {
    "relative": WORDS + [
        {"name": "DIETClassifier", **SMALL, "epochs": 90, "learning_rate": 0.01, "use_key_relative_attention": True,
         "use_value_relative_attention": True, "max_relative_position": 2, "constrain_similarities": True,
         "split_entities_by_comma": {"topping": False}},
        {"name": "ResponseSelector", **SELECTOR, "epochs": 40, "constrain_similarities": True},
        {"name": "ResponseSelector", **SELECTOR, "epochs": 40, "retrieval_intent": "faq", "ranking_length": 2,
         "renormalize_confidences": True}],
    "onesided": WORDS + [
        {"name": "DIETClassifier", **SMALL, "epochs": 90, "learning_rate": 0.01, "number_of_transformer_layers": 1,
         "unidirectional_encoder": True, "use_key_relative_attention": True, "connection_density": 0.5, "BILOU_flag": False,
         "hidden_layers_sizes": {"text": [8], "label": [6]}, "use_masked_language_model": True, "ranking_length": 3},
        {"name": "ResponseSelector", **SMALL, "epochs": 40, "use_text_as_label": True, "number_of_transformer_layers": 1,
         "hidden_layers_sizes": {"text": [], "label": []}, "dense_dimension": {"text": 8, "label": 8}}],
    "margin": WORDS + [
        {"name": "DIETClassifier", **SMALL, "epochs": 40, "number_of_transformer_layers": 0, "loss_type": "margin",
         "hidden_layers_sizes": {"text": [8], "label": [6]}, "entity_recognition": False},
        {"name": "DIETClassifier", **SMALL, "epochs": 60, "learning_rate": 0.01, "intent_classification": False,
         "split_entities_by_comma": False, "featurizers": ["LexicalSyntacticFeaturizer2", "CountVectorsFeaturizer3"]}],
}


def checkpoint(prefix):
    """The variables of a checkpoint, without those of the optimiser."""
    import tensorflow as tf

    reader, tail = tf.train.load_checkpoint(prefix), "/.ATTRIBUTES/VARIABLE_VALUE"
    found = {}
    for name, _ in tf.train.list_variables(prefix):
        if name.startswith("model/_tf_layers") and "OPTIMIZER_SLOT" not in name and name.endswith(tail):
            found[name[len("model/"):-len(tail)]] = reader.get_tensor(name)
    return {k: v for k, v in found.items() if v.dtype == "float32"}


def parses(archive, texts):
    from rasa.engine.graph import ExecutionContext
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.shared.nlu.training_data.message import Message

    storage, meta = LocalModelStorage.from_model_archive(pathlib.Path(tempfile.mkdtemp()), archive)
    schema = meta.predict_schema
    components = []
    for name, node in schema.nodes.items():
        if node.fn == "process" and name.startswith("run_") and "RegexMessageHandler" not in name:
            context = ExecutionContext(graph_schema=schema, model_id=meta.model_id, node_name=name)
            make = getattr(node.uses, node.constructor_name)
            components.append((int("".join(c for c in name[-2:] if c.isdigit())),
                               make({**node.uses.get_default_config(), **node.config}, storage, node.resource, context)))
    out = []
    for text in texts:
        message = Message(data={"text": text})
        message.set("text", text, add_to_output=True)
        for _, component in sorted(components, key=lambda c: c[0]):
            message = component.process([message])[0]
        out.append(json.loads(json.dumps(message.as_dict(only_output_properties=True), default=lambda o: o.item())))
    return out


def record(name, work):
    from safetensors.numpy import save

    (work / "config.yml").write_text(json.dumps({"recipe": "default.v1", "language": "en", "assistant_id": "x", "pipeline": BOTS[name]}))
    subprocess.run([pathlib.Path(sys.executable).parent / "rasa", "train", "nlu", "-u", HERE / "nlu.yml", "--domain", HERE / "domain.yml",
                    "--fixed-model-name", name], cwd=work, check=True, stdout=subprocess.DEVNULL)
    archive = work / "models" / f"{name}.tar.gz"
    with tarfile.open(archive) as tar:
        tar.extractall(work / "model")
    with zipfile.ZipFile(HERE / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as z:
        def put(file, data):
            z.writestr(zipfile.ZipInfo(file, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)

        for file in sorted((work / "model/components").rglob("*")):
            to = str(file.relative_to(work / "model/components"))
            if file.name.endswith(".tf_model.index"):
                put(to[:-len("tf_model.index")] + "weights.st", save(checkpoint(str(file)[:-len(".index")])))
            elif file.is_file() and to.startswith("train_") and ".tf_model." not in file.name and file.name != "checkpoint":
                put(to, file.read_bytes())
        put("config.json", json.dumps(BOTS[name], indent=1))
        put("parses.json", json.dumps(parses(archive, (HERE / "texts.txt").read_text().split("\n")[:-1]), ensure_ascii=False, indent=1))


for bot in sys.argv[1:] or BOTS:
    with tempfile.TemporaryDirectory() as folder:
        record(bot, pathlib.Path(folder))
