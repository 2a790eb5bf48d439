// Additive triple exponential smoothing. Checked against statsmodels in ../Anomaly.test.ts.

/** Smoothing of level, trend and season, each in [0, 1]. */
export interface Smoothing {
  readonly level: number;
  readonly trend: number;
  readonly season: number;
}

/**
 * The one-step forecasts of a series and of its next value. The first two periods give where it starts: the
 * trend is the change of their means per step, the seasons are what the first period deviates from the line
 * of that slope through its mean. Hyndman & Athanasopoulos, Forecasting, section 8.3.
 */
export const smooth = (
  values: ReadonlyArray<number>,
  period: number,
  { level: a, trend: b, season: c }: Smoothing,
): { readonly next: number; readonly squaredErrors: number } => {
  const mean = (from: number) => {
    let sum = 0;
    for (let i = from; i < from + period; i++) sum += values[i]!;
    return sum / period;
  };
  const middle = (period - 1) / 2;
  let trend = (mean(period) - mean(0)) / period;
  const [first, slope] = [mean(0), trend];
  const lineAt = (i: number) => first + slope * (i - middle);
  const seasons = values.slice(0, period).map((value, i) => value - lineAt(i));
  let level = lineAt(period - 1);
  let squaredErrors = 0;
  for (let i = period; i < values.length; i++) {
    const place = i % period;
    const value = values[i]!;
    squaredErrors += (value - level - trend - seasons[place]!) ** 2;
    const before = level;
    level = a * (value - seasons[place]!) + (1 - a) * (level + trend);
    seasons[place] = c * (value - before - trend) + (1 - c) * seasons[place]!;
    trend = b * (level - before) + (1 - b) * trend;
  }
  return { next: level + trend + seasons[values.length % period]!, squaredErrors };
};

/**
 * The forecast of the next value with the smoothing that would have erred least so far (on a grid of
 * tenths, then of hundredths around the best), and the standard deviation of its errors.
 */
export const forecast = (
  values: ReadonlyArray<number>,
  period: number,
): { readonly next: number; readonly error: number } => {
  let best: Smoothing = { level: 0, trend: 0, season: 0 };
  let found = smooth(values, period, best);
  const seek = (centre: Smoothing, step: number, reach: number) => {
    for (let i = -reach; i <= reach; i++) {
      for (let j = -reach; j <= reach; j++) {
        for (let k = -reach; k <= reach; k++) {
          const level = centre.level + i * step;
          const trend = centre.trend + j * step;
          const season = centre.season + k * step;
          if ([level, trend, season].some((share) => share < 0 || share > 1)) continue;
          const next = smooth(values, period, { level, trend, season });
          if (next.squaredErrors < found.squaredErrors)
            [best, found] = [{ level, trend, season }, next];
        }
      }
    }
  };
  seek({ level: 0.5, trend: 0.5, season: 0.5 }, 0.1, 5);
  seek(best, 0.02, 4);
  const errors = values.length - period;
  return { next: found.next, error: Math.sqrt(found.squaredErrors / Math.max(1, errors - 3)) };
};
