"""
What a script of a Python stage of ml-pipe may import: reading what it is given, telling how it goes, and
handing back what it made. Needs nothing but Python 3.8; `X` and `y` of a table need NumPy.

    import ml_pipe

    train = ml_pipe.read("train")
    ...
    ml_pipe.metric("log loss", loss)
    ml_pipe.model(onnx_model)
"""
import json
import os
import pathlib

if "ML_PIPE_SCRIPT" in os.environ:
    import ml_pipe_modules

    ml_pipe_modules.watch(os.environ["ML_PIPE_SCRIPT"], json.loads(os.environ["ML_PIPE_READS"]))

__all__ = [
    "ContractError",
    "Table",
    "artifact",
    "finding",
    "inputs",
    "metric",
    "model",
    "output",
    "params",
    "progress",
    "read",
]


def _given(variable):
    path = os.environ.get(variable)
    if path is None:
        raise RuntimeError(f"{variable} is not set: this script is run by a Python stage of ml-pipe")
    return path


_documents = {}


def _read_once(variable):
    if variable not in _documents:
        with open(_given(variable), encoding="utf-8") as file:
            _documents[variable] = json.load(file)
    return _documents[variable]


class ContractError(Exception):
    """What the script is given, or hands back, is not what the contract says."""


class Table:
    """
    A table that the pipeline hands over: rows of features with their labels.

    `path` is its file, in the format `format` ("parquet" or "csv"); the columns are `features`, in
    their order, then "label", and "~weight" if the stage names a column with weights. `rows` is
    their number.

    `texts` has, for each feature that stands for texts (`Transform.ordinal`), these texts: its numbers in `X`
    are places among them. They are those of the training rows, in every table; another one is missing.
    """

    def __init__(self, given):
        self.path = given["path"]
        self.format = given["format"]
        self.rows = given["rows"]
        self.features = tuple(given["features"])
        self.texts = {name: tuple(texts) for name, texts in given["texts"].items()}
        self.label_kind = given["label"]
        self.feature_set = given["featureSet"]
        self._columns = None

    @property
    def X(self):
        """The features as a NumPy matrix of float64, rows × features; a missing value is NaN."""
        import numpy

        columns = self._read()
        if not self.features:
            return numpy.empty((self.rows, 0))
        return numpy.column_stack([columns[name].astype(numpy.float64) for name in self.features])

    @property
    def y(self):
        """The labels as a NumPy array: bool, float64, or text, as the label is."""
        label = self._read()["label"]
        if self.label_kind == "text":
            return label.astype(str)
        return label.astype("bool" if self.label_kind == "boolean" else "float64")

    @property
    def weight(self):
        """The weights of the rows, or None if the stage names no column with them."""
        return self._read().get("~weight")

    def column(self, name):
        """
        A feature as a NumPy array: float64, or objects where it stands for texts. What is missing is NaN, or
        the empty text: as the model will be given it.
        """
        import numpy

        if name not in self.texts:
            return self._read()[name].astype(numpy.float64)
        codes, texts = self._categories(name)
        return numpy.array(texts, dtype=object)[codes]

    def frame(self):
        """
        The table as a pandas DataFrame, if pandas is installed. A feature that stands for texts is a
        categorical, with the same categories in every table; what is missing is the empty text.
        """
        import pandas

        columns = {**self._read(), "label": self.y}
        for name in self.texts:
            columns[name] = pandas.Categorical.from_codes(*self._categories(name))
        return pandas.DataFrame(columns)

    def _categories(self, name):
        import numpy

        texts = self.texts[name] if "" in self.texts[name] else (*self.texts[name], "")
        numbers = self._read()[name].astype(numpy.float64)
        return numpy.where(numpy.isnan(numbers), texts.index(""), numbers).astype(int), texts

    def _read(self):
        if self._columns is None:
            self._columns = self._parquet() if self.format == "parquet" else self._csv()
        return self._columns

    def _parquet(self):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(self.path)
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def _csv(self):
        import csv

        import numpy

        text = self.label_kind == "text"
        with open(self.path, encoding="utf-8", newline="") as file:
            names = next(csv.reader(file))
            if text:
                rows = list(csv.reader(file))
                cells = numpy.array(rows, dtype=object).reshape(len(rows), len(names))
            else:
                cells = numpy.loadtxt(file, delimiter=",", ndmin=2)
        found = {}
        for index, name in enumerate(names):
            column = cells[:, index]
            found[name] = column if text and name == "label" else column.astype(numpy.float64)
        return found


def read(name, types=None):
    """
    The table that the pipeline hands over as `name`, such as "train" or "validation".

    `types` is a class that `ml-pipe codegen python` wrote: its digest is compared with that of the
    feature set, so that a script never runs on columns that it was not written for.
    """
    inputs = _read_once("ML_PIPE_INPUT")
    given = inputs.get(name)
    if not isinstance(given, dict) or "features" not in given:
        tables = [key for key, one in inputs.items() if isinstance(one, dict) and "features" in one]
        raise ContractError(f"there is no table {name!r}; there are: {', '.join(tables) or 'none'}")
    table = Table(given)
    if types is not None:
        digest = getattr(types, "DIGEST", None)
        if digest != table.feature_set["digest"]:
            wanted = f"{table.feature_set['name']} {table.feature_set['version']}"
            raise ContractError(
                f"{types.__module__}.{types.__name__} was not generated from {wanted} as it is now: "
                "run `ml-pipe codegen python` on the pipeline's file again"
            )
    return table


def _say(kind, what):
    print(f"::ml-pipe {kind} {json.dumps(what)}", flush=True)


def progress(label, share=None, rows=None):
    """Says how far the script is: `share` from 0 to 1."""
    told = {"label": label, "share": share, "rows": rows}
    _say("progress", {key: value for key, value in told.items() if value is not None})


def finding(check, expected, found, next, severity="warn"):
    """Says that something is not as expected: `severity` is "info", "warn" or "fail"."""
    told = {"check": check, "severity": severity, "expected": expected, "found": found, "next": next}
    _say("finding", told)


_written = {"metrics": {}}


def _write(value):
    path = pathlib.Path(_given("ML_PIPE_OUTPUT"))
    path.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")


def _number(name, value):
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ContractError(f"the metric {name!r} is {number}, which is no number that can be recorded")
    return number


def metric(name, value):
    """Records a number about the training, such as its loss on the validation rows."""
    _written["metrics"][str(name)] = _number(name, value)
    if "model" in _written:
        _write(_written)


def artifact(content, media_type, name=None):
    """Hands over a file, or bytes, as an artifact: put what it returns into the output."""
    folder = pathlib.Path(_given("ML_PIPE_ARTIFACTS"))
    if isinstance(content, (str, os.PathLike)):
        content = pathlib.Path(content).read_bytes()
    elif not isinstance(content, (bytes, bytearray)):
        raise ContractError(f"a path or bytes can be handed over; found {type(content).__name__}")
    target = folder / (name or f"artifact-{sum(1 for _ in folder.iterdir())}")
    if target.name != name and name:
        raise ContractError(f"an artifact has the name of a file, without folders; found {name!r}")
    target.write_bytes(content)
    return {"artifact": target.name, "mediaType": media_type}


def model(model, kind=None, output=None, columns=None, classes=None, inputs=None):
    """
    Hands over the model, in ONNX: a path, bytes, or an object of the onnx package.

    `output` names the output with the scores where there are several, and `columns` says which of its
    columns they are; `classes` names those of a label that is a class, in the order of the columns.
    `inputs` says which features each input takes, where it is neither all of them nor the one of its name.
    """
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    written = {"file": artifact(model, "application/onnx", "model.onnx")}
    told = {"kind": kind, "output": output, "columns": columns, "classes": classes, "inputs": inputs}
    written.update({key: value for key, value in told.items() if value is not None})
    if classes is not None:
        written["classes"] = [str(one) for one in classes]
    _written["model"] = written
    _write(_written)


def output(value):
    """Hands over the output of a stage made with `Stage.python`: what its schemas promise."""
    _write(value)


def __getattr__(name):
    # Read when they are first used, so that the module can be imported anywhere.
    if name == "inputs":
        return _read_once("ML_PIPE_INPUT")
    if name == "params":
        return _read_once("ML_PIPE_PARAMS")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
