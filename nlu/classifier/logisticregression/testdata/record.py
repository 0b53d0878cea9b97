"""Writes estimators of scikit-learn as Rasa keeps them (*.skops) and what they predict (predictions.json)."""

import json
import warnings

import numpy as np
import scipy.sparse
import skops.io as sio
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")
x = np.random.RandomState(2).rand(30, 4).round(2)
cases = []
for solver, n in (("lbfgs", 3), ("lbfgs", 2), ("liblinear", 3), ("liblinear", 2), ("saga", 3)):
    y = [["a", "b", "größer"][i % n] for i in range(30)]
    clf = LogisticRegression(solver=solver, class_weight="balanced", multi_class="auto").fit(scipy.sparse.csr_matrix(x), y)
    name = f"{solver}{n}.skops"
    sio.dump(clf, name)
    cases.append({"file": name, "rows": x[:4].tolist(), "probabilities": clf.predict_proba(x[:4]).tolist()})
with open("predictions.json", "w") as f:
    json.dump(cases, f, indent=1)
