"""List quality by scikit-learn 1.9.1 and trec_eval (pytrec_eval-terrier 0.5.11): python ranking.py > ranking.json"""
import json
import numpy as np
import pytrec_eval
from sklearn.metrics import ndcg_score

rng = np.random.default_rng(7)
lists = []
for n, relevant_unseen in ((1, 0), (5, 0), (12, 3), (40, 1), (25, 10), (8, 0), (3, 2)):
    relevance = rng.choice([0, 0, 0, 1, 2, 4], size=n)
    if relevance.max() == 0:
        relevance[rng.integers(n)] = 1
    unseen = rng.choice([1, 2, 4], size=relevant_unseen)
    lists.append((relevance, unseen))
cases = []
for at in (1, 3, 10, 100):
    entry = {"at": at, "lists": []}
    for relevance, unseen in lists:
        n = len(relevance)
        everything = np.concatenate([relevance, unseen])
        # Shown items in order, then what was not shown: trec_eval ranks only what is in the run.
        qrel = {"q": {f"d{i}": int(r) for i, r in enumerate(everything)}}
        run = {"q": {f"d{i}": float(n - i) for i in range(n)}}
        names = {f"ndcg_cut_{at}", f"map_cut_{at}", f"P_{at}", f"recall_{at}"}
        measures = {"ndcg_cut." + str(at), "map_cut." + str(at), "P." + str(at), "recall." + str(at)}
        found = pytrec_eval.RelevanceEvaluator(qrel, measures).evaluate(run)["q"]
        first = pytrec_eval.RelevanceEvaluator(qrel, {"recip_rank"}).evaluate(
            {"q": {f"d{i}": float(n - i) for i in range(min(n, at))}})["q"]["recip_rank"]
        one = {"relevance": relevance.tolist(), "unseen": unseen.tolist(),
               "ndcgLinear": found[f"ndcg_cut_{at}"],
               # trec_eval divides by all relevant items.
               "mapOfAll": found[f"map_cut_{at}"],
               "precision": found[f"P_{at}"], "recall": found[f"recall_{at}"], "mrr": first}
        if len(unseen) == 0 and n > 1:
            scores = np.arange(n, 0, -1)[None, :]
            one["sklearnLinear"] = float(ndcg_score(relevance[None, :], scores, k=at))
            one["sklearnExponential"] = float(ndcg_score((2.0 ** relevance - 1)[None, :], scores, k=at))
        entry["lists"].append(one)
    cases.append(entry)
print(json.dumps(cases, indent=1))
