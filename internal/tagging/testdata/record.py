"""Records what Rasa 3.6.21 makes of random tags: python record.py > rasa.json"""
import copy, json, random
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.nlu.utils import bilou_utils
from rasa.utils.train_utils import init_split_entities

rng = random.Random(7)
cases = []
for n in range(90):
    words = [rng.choice(["a", "né", "of", "10", "😀x"]) for _ in range(rng.randint(1, 7))]
    text, tokens = "", []
    for w in words:
        text += rng.choice([" ", " ", " ", ", ", "", "-", " ;; ", "    "]) if tokens else rng.choice(["", " "])
        tokens.append(Token(w, len(text)))
        text += w
    bilou = n % 3 != 0

    def tags(names):
        out = []
        for _ in range(len(tokens) + 1):
            t = rng.choice(names + ["O"])
            out.append(t if t == "O" else (rng.choice(["B-", "I-", "I-", "L-", "U-"]) if bilou else "") + t)
        out[-1] = "O"
        return out, [round(rng.random(), 4) for _ in out]

    case = {"text": text, "tokens": [[t.start, t.end] for t in tokens], "bilou": bilou, "tags": {}, "confidences": {}}
    repaired, confidences = {}, {}
    for kind, names in (("entity", ["x", "y"]), ("role", ["from", "to"]), ("group", ["1"])):
        if kind == "entity" or rng.random() < 0.4:
            t, c = tags(names)
            case["tags"][kind], case["confidences"][kind] = list(t), list(c)
            if bilou:
                t, c = bilou_utils.ensure_consistent_bilou_tagging(t, c)
            repaired[kind], confidences[kind] = t, c
    if not bilou and rng.random() < 0.4:
        case["confidences"] = confidences = None
    case["split"] = rng.choice([True, False, {"x": False}, {"y": False, "x": True}])
    case["entities"] = EntityExtractorMixin.convert_predictions_into_entities(
        text, tokens, repaired, init_split_entities(copy.deepcopy(case["split"]), True), confidences)
    cases.append(case)
print(json.dumps(cases, ensure_ascii=False, separators=(",", ":")).replace('},{"text"', '},\n{"text"'))
