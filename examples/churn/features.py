"""
Types of what a pipeline hands over. Generated: do not edit. To write it again:

    ml-pipe codegen python examples/churn/pipeline-python.ts --out examples/churn/features.py
"""
# from churn-features 1.0.0 sha256-720f794b50e763315af8f4ced75bf7dc35cf6cb3921ac32e91d1504700c083ba
# from customer 1.0.0 sha256-5f3e365825fd64b6ae55d429505dd612b3998229b8d55ecc6156b52dbfabde94
import re
from typing import Any, Dict, List, Literal, Mapping, Optional, Tuple, TypedDict


def _problems(rules: Dict[str, Dict[str, Any]], row: Mapping[str, Any]) -> List[str]:
    found = [f"{name}: the contract has no such column" for name in row if name not in rules]
    for name, rule in rules.items():
        if name not in row:
            found.append(f"{name}: expected {rule['type']}, found nothing")
            continue
        found.extend(_problems_of(name, rule, row[name]))
    return found


def _problems_of(name: str, rule: Dict[str, Any], value: Any) -> List[str]:
    # Arrays and data frames have types of their own, for lists, numbers and what is missing.
    value = value.tolist() if hasattr(value, "tolist") else value
    missing = type(value).__name__ in ("NoneType", "NAType", "NaTType")
    if missing or (isinstance(value, float) and value != value):
        return [] if rule.get("nullable", False) else [f"{name}: expected {rule['type']}, found no value"]
    kind = rule["type"]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "boolean": isinstance(value, bool),
        "int": number and value == int(value) if number and abs(value) != float("inf") else False,
        "float": number and abs(value) != float("inf"),
        "string": isinstance(value, str),
        "timestamp": hasattr(value, "isoformat") or isinstance(value, str),
        "list": isinstance(value, (list, tuple)),
        "struct": isinstance(value, Mapping),
        "embedding": isinstance(value, (list, tuple)),
    }[kind]
    if not fits:
        return [f"{name}: expected {kind}, found {value!r}"]
    found = []
    if "min" in rule and value < rule["min"]:
        found.append(f"{name}: expected at least {rule['min']}, found {value!r}")
    if "max" in rule and value > rule["max"]:
        found.append(f"{name}: expected at most {rule['max']}, found {value!r}")
    if "values" in rule and value not in rule["values"]:
        found.append(f"{name}: expected one of {rule['values']}, found {value!r}")
    if "pattern" in rule:
        try:
            # As everywhere else, \d and \w are of ASCII.
            if re.fullmatch(rule["pattern"], value, re.ASCII) is None:
                found.append(f"{name}: expected text that matches {rule['pattern']}, found {value!r}")
        except re.error as problem:
            found.append(f"{name}: the pattern {rule['pattern']} cannot be checked in Python: {problem}")
    if "size" in rule and len(value) != rule["size"]:
        found.append(f"{name}: expected {rule['size']} numbers, found {len(value)}")
    if "items" in rule:
        for place, one in enumerate(value):
            found.extend(_problems_of(f"{name}[{place}]", rule["items"], one))
    if "fields" in rule:
        found.extend(f"{name}.{problem}" for problem in _problems(rule["fields"], value))
    return found


ChurnFeaturesColumn = Literal[
    "tenure",
    "monthly",
    "perMonth",
    "risen",
    "partner",
    "dependents",
    "paperless",
    "severalLines",
    "security",
    "backup",
    "protection",
    "support",
    "streams",
    "contract",
    "internet_service",
    "payment_method",
    "senior_citizen",
    "label",
]
ChurnFeaturesRow = TypedDict(
    "ChurnFeaturesRow",
    {
        "tenure": Optional[float],
        "monthly": Optional[float],
        "perMonth": Optional[float],
        "risen": Optional[float],
        "partner": Optional[float],
        "dependents": Optional[float],
        "paperless": Optional[float],
        "severalLines": Optional[float],
        "security": Optional[float],
        "backup": Optional[float],
        "protection": Optional[float],
        "support": Optional[float],
        "streams": Optional[float],
        "contract": Literal["Month-to-month", "One year", "Two year"],
        "internet_service": Literal["DSL", "Fiber optic", "No"],
        "payment_method": Literal["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
        "senior_citizen": int,
        "label": Optional[bool],
    },
)


class ChurnFeatures:
    "churn-features 1.0.0, of billing"

    DIGEST = "sha256-720f794b50e763315af8f4ced75bf7dc35cf6cb3921ac32e91d1504700c083ba"
    COLUMNS: Tuple[ChurnFeaturesColumn, ...] = (
        "tenure",
        "monthly",
        "perMonth",
        "risen",
        "partner",
        "dependents",
        "paperless",
        "severalLines",
        "security",
        "backup",
        "protection",
        "support",
        "streams",
        "contract",
        "internet_service",
        "payment_method",
        "senior_citizen",
        "label",
    )
    _RULES: Dict[str, Dict[str, Any]] = {
        "tenure": {"type": "float", "nullable": True},
        "monthly": {"type": "float", "nullable": True},
        "perMonth": {"type": "float", "nullable": True},
        "risen": {"type": "float", "nullable": True},
        "partner": {"type": "float", "nullable": True},
        "dependents": {"type": "float", "nullable": True},
        "paperless": {"type": "float", "nullable": True},
        "severalLines": {"type": "float", "nullable": True},
        "security": {"type": "float", "nullable": True},
        "backup": {"type": "float", "nullable": True},
        "protection": {"type": "float", "nullable": True},
        "support": {"type": "float", "nullable": True},
        "streams": {"type": "float", "nullable": True},
        "contract": {"type": "string", "values": ["Month-to-month", "One year", "Two year"]},
        "internet_service": {"type": "string", "values": ["DSL", "Fiber optic", "No"]},
        "payment_method": {"type": "string", "values": ["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"]},
        "senior_citizen": {"type": "int", "min": 0, "max": 1},
        "label": {"type": "boolean", "nullable": True},
    }

    @classmethod
    def problems(cls, row: Mapping[str, Any]) -> List[str]:
        """Everything that is wrong with a row; nothing if it is one of these."""
        return _problems(cls._RULES, row)


CustomerColumn = Literal[
    "churn",
    "female",
    "senior_citizen",
    "partner",
    "dependents",
    "tenure",
    "phone_service",
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "paperless_billing",
    "payment_method",
    "monthly_charges",
    "total_charges",
]
CustomerRow = TypedDict(
    "CustomerRow",
    {
        "churn": Literal["Yes", "No"],
        "female": int,  # not used: see the features
        "senior_citizen": int,
        "partner": int,
        "dependents": int,
        "tenure": int,  # months
        "phone_service": int,
        "multiple_lines": Literal["Yes", "No", "No phone service"],
        "internet_service": Literal["DSL", "Fiber optic", "No"],
        "online_security": Literal["Yes", "No", "No internet service"],
        "online_backup": Literal["Yes", "No", "No internet service"],
        "device_protection": Literal["Yes", "No", "No internet service"],
        "tech_support": Literal["Yes", "No", "No internet service"],
        "streaming_tv": Literal["Yes", "No", "No internet service"],
        "streaming_movies": Literal["Yes", "No", "No internet service"],
        "contract": Literal["Month-to-month", "One year", "Two year"],
        "paperless_billing": int,
        "payment_method": Literal["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"],
        "monthly_charges": float,  # USD
        "total_charges": Optional[float],  # USD
    },
)


class Customer:
    "customer 1.0.0, of billing: one row per customer; churn is whether the customer left within the month after"

    DIGEST = "sha256-5f3e365825fd64b6ae55d429505dd612b3998229b8d55ecc6156b52dbfabde94"
    COLUMNS: Tuple[CustomerColumn, ...] = (
        "churn",
        "female",
        "senior_citizen",
        "partner",
        "dependents",
        "tenure",
        "phone_service",
        "multiple_lines",
        "internet_service",
        "online_security",
        "online_backup",
        "device_protection",
        "tech_support",
        "streaming_tv",
        "streaming_movies",
        "contract",
        "paperless_billing",
        "payment_method",
        "monthly_charges",
        "total_charges",
    )
    _RULES: Dict[str, Dict[str, Any]] = {
        "churn": {"type": "string", "values": ["Yes", "No"]},
        "female": {"type": "int", "min": 0, "max": 1},
        "senior_citizen": {"type": "int", "min": 0, "max": 1},
        "partner": {"type": "int", "min": 0, "max": 1},
        "dependents": {"type": "int", "min": 0, "max": 1},
        "tenure": {"type": "int", "min": 0, "max": 100},
        "phone_service": {"type": "int", "min": 0, "max": 1},
        "multiple_lines": {"type": "string", "values": ["Yes", "No", "No phone service"]},
        "internet_service": {"type": "string", "values": ["DSL", "Fiber optic", "No"]},
        "online_security": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "online_backup": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "device_protection": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "tech_support": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "streaming_tv": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "streaming_movies": {"type": "string", "values": ["Yes", "No", "No internet service"]},
        "contract": {"type": "string", "values": ["Month-to-month", "One year", "Two year"]},
        "paperless_billing": {"type": "int", "min": 0, "max": 1},
        "payment_method": {"type": "string", "values": ["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"]},
        "monthly_charges": {"type": "float", "min": 0},
        "total_charges": {"type": "float", "nullable": True, "min": 0},
    }

    @classmethod
    def problems(cls, row: Mapping[str, Any]) -> List[str]:
        """Everything that is wrong with a row; nothing if it is one of these."""
        return _problems(cls._RULES, row)
