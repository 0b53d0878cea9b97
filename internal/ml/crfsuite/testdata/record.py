"""Records in crfsuite.json what CRFsuite learns from random sequences: python record.py (sklearn-crfsuite installed)."""
import json
import pathlib
import random

import sklearn_crfsuite

random.seed(7)


def sequence(length, numbers):
    items, labels, state = [], [], 0
    for _ in range(length):
        state = (state + random.choice([0, 1, 1, 3])) % 5
        item = {f"w{random.choice([state, state, random.randrange(12)])}": 1.0, "flag": float(state == 2)}
        if numbers:
            item["x"] = round(random.gauss(state - 2, 1), 3)
        items.append(item)
        labels.append("ABCDE"[state])
    return items, labels


cases = []
for name, numbers, options in [
    ("both penalties", False, {"c1": 0.1, "c2": 0.1}),
    ("numbers", True, {"c1": 0.1, "c2": 0.1}),
    ("no L1", True, {"c1": 0, "c2": 0.01}),
    ("no L2", False, {"c1": 1, "c2": 0}),
    ("to the end", False, {"c1": 0.5, "c2": 1, "max_iterations": 1000}),
    ("to the end without L1", True, {"c1": 0, "c2": 1, "max_iterations": 1000}),
    ("one step", False, {"c1": 0.1, "c2": 0.1, "max_iterations": 1}),
]:
    data = [sequence(random.randrange(1, 9), numbers) for _ in range(60)]
    options = {"max_iterations": 50, **options}
    crf = sklearn_crfsuite.CRF(algorithm="lbfgs", all_possible_transitions=True, **options)
    crf.fit([s[0] for s in data[:50]], [s[1] for s in data[:50]])
    tests = [s[0] for s in data[50:]]
    cases.append({
        "name": name, "options": options, "train": data[:50], "losses": [i["loss"] for i in crf.training_log_.iterations],
        "labels": crf.classes_, "test": tests, "tags": crf.predict(tests),
        "marginals": [[[round(p[c], 9) for c in crf.classes_] for p in m] for m in crf.predict_marginals(tests)],
    })
(pathlib.Path(__file__).parent / "crfsuite.json").write_text(json.dumps(cases, separators=(",", ":")))
