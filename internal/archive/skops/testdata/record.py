"""Writes skops files with skops and scikit-learn: the estimators that Rasa keeps, and values of all known types."""

import numpy as np
import scipy.sparse
import skops.io as sio
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

rng = np.random.RandomState(1)
x = rng.rand(24, 3).round(3)
y = ["bye", "größe", "yes"] * 8
sio.dump(LogisticRegression(class_weight="balanced").fit(scipy.sparse.csr_matrix(x), y), "logistic.skops")
svc = SVC(C=1, probability=True, class_weight="balanced", kernel="rbf", gamma=0.1, random_state=3)
sio.dump(svc.fit(x, [0, 1, 2] * 8), "svc.skops")
sio.dump(
    {
        "numbers": [1, -2.5, float("nan"), float("inf"), True, None, 1 << 40],
        "tuple": (1, "two"),
        "set": {3},
        "bytes": b"\0a",
        "fortran": np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)),
        "object": np.array([["a", None], [1, 2.5]], dtype=object),
        "text": np.array(["", "ab", "😀"]),
        "scalar": np.float32(0.5),
        "shorts": np.array([[-1, 2]], dtype="i2"),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 2)),
        "type": int,
        "slice": slice(1, None, 2),
        5: "a key that is a number",
    },
    "values.skops",
)
sio.dump(np.linalg.norm, "function.skops")
