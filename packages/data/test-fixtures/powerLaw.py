"""Power laws by scipy.optimize.curve_fit, SciPy 1.17.1 (NumPy 2): python powerLaw.py > powerLaw.json"""
import json
import numpy as np
from scipy import stats
from scipy.optimize import curve_fit

rng = np.random.default_rng(8)
cases = []
for limit, scale, exponent, sd, sizes in (
        (0.3, 4.0, 0.5, 0.001, [200, 400, 600, 800, 1000]),
        (0.0, 30.0, 0.35, 0.05, [1000, 5000, 20_000, 60_000, 150_000, 400_000]),
        (1.2, 900.0, 1.1, 0.02, [100, 250, 500, 1000, 2000, 4000, 8000])):
    n = np.array(sizes, dtype=float)
    y = limit + scale * n ** -exponent + rng.normal(0, sd, len(n))
    f = lambda n, a, b, c: a + b * n ** -c
    p, cov = curve_fit(f, n, y, p0=(limit, scale, exponent), maxfev=100_000, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    a, b, c = p
    one, two = n[-1], 2 * n[-1]
    saving = b * (one ** -c - two ** -c)
    g = np.array([0, one ** -c - two ** -c, b * (two ** -c * np.log(two) - one ** -c * np.log(one))])
    reach = stats.t.ppf(0.975, len(n) - 3) * np.sqrt(g @ cov @ g)
    cases.append({"rows": sizes, "losses": y.tolist(), "limit": float(a), "exponent": float(c),
                  "saving": float(saving), "lower": float(saving - reach), "upper": float(saving + reach)})
print(json.dumps(cases))
