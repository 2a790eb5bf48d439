"""Power figures of statsmodels 0.15.0 (SciPy 1.17.1): python power.py > power.json"""
import json
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.proportion import power_proportions_2indep

one, two = TTestPower(), TTestIndPower()
cases = []
for effect in (0.02, 0.1, 0.5, 1.2):
    for level in (0.9, 0.95, 0.999):
        for power in (0.5, 0.8, 0.95):
            alpha = 1 - level
            entry = {"effect": effect, "level": level, "power": power}
            entry["count"] = float(one.solve_power(effect_size=effect, alpha=alpha, power=power))
            entry["perArm"] = float(two.solve_power(effect_size=effect, alpha=alpha, power=power))
            # Where SciPy has no figure on the way (below), the solver stops early and is wrong.
            if (abs(one.power(effect, entry["count"], alpha) - power) < 1e-9
                    and abs(two.power(effect, entry["perArm"], alpha) - power) < 1e-9):
                cases.append(entry)
powers = []
for effect in (0.05, 0.3, 0.9, 2.5):
    for count in (2, 3, 10, 31, 400, 250_000) if effect < 0.1 else (2, 3, 10, 31, 90):
        powers.append({"effect": effect, "count": count,
                       "one": float(one.power(effect, count, 0.05)),
                       "two": float(two.power(effect, count, 0.05))})
rates = []
for a, b, n in ((0.5, 0.75, 50), (0.02, 0.025, 14_000), (0.1, 0.08, 3_000)):
    rates.append({"from": a, "to": b, "perArm": n,
                  "power": float(power_proportions_2indep(b - a, a, n).power)})
# SciPy has no figure where the noncentral t distribution underflows.
powers = [p for p in powers if p["one"] == p["one"] and p["two"] == p["two"]]
print(json.dumps({"cases": cases, "powers": powers, "rates": rates}, indent=1))
