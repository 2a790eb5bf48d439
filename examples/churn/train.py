"""Trains a random forest with scikit-learn. How small a leaf may be is chosen on the validation rows."""
import ml_pipe
import numpy
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from features import ChurnFeatures

train = ml_pipe.read("train", ChurnFeatures)
validation = ml_pipe.read("validation", ChurnFeatures)
X, y = train.X, train.y

candidates = []
sizes = ml_pipe.params["minLeaf"]
for index, size in enumerate(sizes):
    # Newcomers have paid nothing yet: what is missing is 0, in the model too.
    model = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0),
        RandomForestClassifier(
            n_estimators=ml_pipe.params["trees"], min_samples_leaf=size, random_state=0, n_jobs=2
        ),
    ).fit(X, y)
    loss = log_loss(validation.y, model.predict_proba(validation.X)[:, 1])
    candidates.append((loss, size, model))
    ml_pipe.progress(f"leaves of {size}: log loss {loss:.4f}", share=(index + 1) / len(sizes))

loss, size, model = min(candidates, key=lambda one: one[:2])
ml_pipe.metric("log loss on validation", loss)
ml_pipe.metric("rows in a leaf, at least", size)
onnx = to_onnx(model, X[:1].astype(numpy.float32), options={"zipmap": False})
ml_pipe.model(onnx, kind="random forest of scikit-learn")
