"""Records in sklearn.json what scikit-learn's SVC and GridSearchCV learn: python record.py (scikit-learn 1.1.3)."""
import json
import pathlib
import warnings

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

warnings.simplefilter("ignore")


def data(counts, width, spread, seed):
    rng = np.random.RandomState(seed)
    centres = rng.normal(size=(len(counts), width))
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    x = (centres[y] + spread * rng.normal(size=(len(y), width))).round(3)
    return x, y


cases = []
for name, counts, width, spread, options in [
    ("two classes", [20, 30], 4, 1.0, {"kernel": "linear", "C": 1}),
    ("linear", [12, 20, 9, 15], 6, 1.2, {"kernel": "linear", "C": 5}),
    ("hard", [25, 25, 25], 3, 2.5, {"kernel": "linear", "C": 100}),
    ("rbf", [12, 20, 9, 15], 6, 1.2, {"kernel": "rbf", "C": 2, "gamma": 0.1}),
    ("scale", [10, 10, 11], 5, 1.5, {"kernel": "rbf", "C": 20, "gamma": "scale"}),
    ("poly", [12, 8, 9], 4, 1.2, {"kernel": "poly", "C": 1, "gamma": 0.1}),
    ("sigmoid", [12, 8, 9], 4, 1.2, {"kernel": "sigmoid", "C": 1, "gamma": 0.1}),
    ("few", [2, 1, 3], 4, 0.5, {"kernel": "linear", "C": 1}),
    ("many", [9] * 12, 8, 0.8, {"kernel": "linear", "C": 10}),
]:
    x, y = data(counts, width, spread, len(cases))
    seed = np.random.RandomState(3).randint(np.iinfo("i").max)
    svc = SVC(probability=True, class_weight="balanced", random_state=np.random.RandomState(3), decision_function_shape="ovo", **options)
    svc.fit(x, y)
    tests = np.vstack([x[:5], data([3] * len(counts), width, spread, 99)[0][:10]])
    decisions = svc.decision_function(tests)
    if len(counts) == 2:
        decisions = -decisions.reshape(-1, 1)
    cases.append({
        "name": name, "options": {**options, "gamma": svc._gamma, "seed": int(seed)}, "x": x.tolist(), "y": y.tolist(), "tests": tests.tolist(),
        "decisions": decisions.tolist(), "probabilities": svc.predict_proba(tests).tolist(), "votes": svc.predict(tests).tolist(),
        "counts": svc.n_support_.tolist(),
    })

searches = []
for name, counts, folds, grid in [
    ("C", [12, 10, 11, 15], 2, {"C": [1, 2, 5, 10, 20, 100], "gamma": [0.1], "kernel": ["linear"]}),
    ("kernels", [26, 30, 25], 5, {"C": [0.5, 3], "gamma": [0.01, 0.1, "scale"], "kernel": ["rbf", "linear"]}),
    ("rare class", [1, 9, 7], 2, {"C": [1, 20], "gamma": ["auto"], "kernel": ["rbf", "poly"]}),
]:
    x, y = data(counts, 5, 1.6, 50 + len(searches))
    search = GridSearchCV(SVC(C=1, probability=True, class_weight="balanced"), [grid], cv=folds, scoring="f1_weighted").fit(x, y)
    test_folds = np.zeros(len(y), dtype=int)
    for i, (_, test) in enumerate(StratifiedKFold(folds).split(x, y)):
        test_folds[test] = i
    searches.append({"name": name, "grid": grid, "folds": folds, "x": x.tolist(), "y": y.tolist(), "test_folds": test_folds.tolist(),
                     "best": search.best_params_, "scores": search.cv_results_["mean_test_score"].tolist()})
text = json.dumps({"cases": cases, "searches": searches}, separators=(",", ":"))
(pathlib.Path(__file__).parent / "sklearn.json").write_text(text)
