"""Reference figures for recommenders, from implementations other than ours.

    python3 -m venv venv && venv/bin/pip install implicit==0.7.3 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    venv/bin/python recommenders.py > recommenders.json

- implicit feedback: implicit's AlternatingLeastSquares, exact solver in double precision, from given item
  factors. Its entries are confidences, so that it is given 1 + alpha * value.
- explicit feedback: scikit-learn's Ridge (Cholesky) solves each user's and each item's system in turn.
- neighbours by users: scikit-learn's cosine_similarity; implicit's CosineRecommender agrees (asserted here).
- neighbours by content: scikit-learn's TfidfVectorizer for each column, weighted, then cosine_similarity.
"""

import json

import numpy as np
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_similarity

rng = np.random.default_rng(5)
users, items, factors = 12, 9, 3
mask = rng.random((users, items)) < 0.45
mask[np.arange(users), np.arange(users) % items] = True
user, item = np.nonzero(mask)
times = rng.integers(1, 6, len(user)).astype(float)
rating = np.clip(np.round(2 * (3 + rng.normal(size=len(user)))) / 2, 0.5, 5)

# Implicit feedback.
alpha, penalty, rounds = 2.0, 0.7, 4
start = np.round(rng.normal(size=(items, factors)), 3)
model = AlternatingLeastSquares(
    factors=factors, regularization=penalty, iterations=rounds, alpha=1.0,
    dtype=np.float64, use_cg=False, use_native=False, num_threads=1, random_state=0,
)
model.user_factors = np.zeros((users, factors))
model.item_factors = start.copy()
model.fit(sp.csr_matrix((1 + alpha * times, (user, item)), shape=(users, items)), show_progress=False)
implicit = {
    "alpha": alpha, "penalty": penalty, "rounds": rounds, "start": start.ravel().tolist(),
    "users": model.user_factors.ravel().tolist(), "items": model.item_factors.ravel().tolist(),
}

# Explicit feedback: the last column of a vector is its bias.
x = np.zeros((users, factors + 1))
y = np.hstack([np.round(rng.normal(size=(items, factors)), 3), np.zeros((items, 1))])
first = y.copy()
mean = rating.mean()


def solve(into, other, rows, columns):
    for row in range(len(into)):
        these = rows == row
        design = np.hstack([other[columns[these], :-1], np.ones((these.sum(), 1))])
        target = rating[these] - mean - other[columns[these], -1]
        ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky")
        into[row] = ridge.fit(design, target).coef_


for _ in range(rounds):
    solve(x, y, user, item)
    solve(y, x, item, user)
explicit = {
    "penalty": penalty, "rounds": rounds, "mean": mean, "start": first.ravel().tolist(),
    "users": x.ravel().tolist(), "items": y.ravel().tolist(),
}

# Neighbours by the users that items have in common.
matrix = sp.csr_matrix((times, (user, item)), shape=(users, items))
similar = cosine_similarity(matrix.T)
np.fill_diagonal(similar, 0)
theirs = CosineRecommender(K=items, num_threads=1)
theirs.fit(matrix, show_progress=False)
dense = theirs.similarity.toarray()
np.fill_diagonal(dense, 0)
assert np.allclose(dense, similar)

# Neighbours by content.
films = [
    ("Toy Story", "Adventure|Animation|Children", 1995),
    ("Toy Story Two", "Adventure|Animation|Children|Comedy", 1999),
    ("Heat", "Action|Crime|Thriller", 1995),
    ("Story of Heat, the Heat", "Crime|Drama", 2004),
    ("Casino", "Crime|Drama", 1995),
    ("Été", "Drama", 1968),
]
weights = {"genres": 1.0, "title": 0.5, "year": 0.25}
genres = TfidfVectorizer(token_pattern=r"[^|]+", lowercase=False, binary=True)
title = TfidfVectorizer(token_pattern=r"[^\W_]{2,}")
year = TfidfVectorizer(token_pattern=r"\d+", binary=True)
blocks = [
    weights["genres"] * genres.fit_transform([g for _, g, _ in films]),
    weights["title"] * title.fit_transform([t for t, _, _ in films]),
    weights["year"] * year.fit_transform([str(y // 10) for _, _, y in films]),
]
content = cosine_similarity(sp.hstack(blocks))
np.fill_diagonal(content, 0)

print(json.dumps({
    "origin": "recommenders.py, implicit 0.7.3, scikit-learn 1.9.1, NumPy 2.4.6, SciPy 1.17.1",
    "entries": {
        "users": users, "items": items, "factors": factors, "user": user.tolist(), "item": item.tolist(),
        "times": times.tolist(), "rating": rating.tolist(),
    },
    "implicit": implicit,
    "explicit": explicit,
    "cosine": similar.tolist(),
    "films": films,
    "weights": weights,
    "content": content.tolist(),
}, ensure_ascii=False))
