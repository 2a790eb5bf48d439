-- Made-up deliveries of half a year, the same every time: late when it is far, at rush hour, and by
-- van. From 11 June on the shop also delivers to places farther away: that is what the monitor finds.
WITH draws AS (
  SELECT
    i,
    hash(i * 8 + 0) / 18446744073709551616.0 AS u_time,
    hash(i * 8 + 1) / 18446744073709551616.0 AS u_distance,
    hash(i * 8 + 2) / 18446744073709551616.0 AS u_weight,
    hash(i * 8 + 3) / 18446744073709551616.0 AS u_courier,
    hash(i * 8 + 4) / 18446744073709551616.0 AS u_late,
    hash(i * 8 + 5) / 18446744073709551616.0 AS u_minutes
  FROM range(36000) AS numbers(i)
),
deliveries AS (
  SELECT
    TIMESTAMP '2026-01-01 00:00:00'
      + to_days(CAST(i // 199 AS INTEGER))
      + to_seconds(CAST(floor(28800 + 46800 * u_time) AS BIGINT)) AS dispatched_at,
    round(
      -8 * ln(1 - 0.99 * u_distance) * CASE WHEN i // 199 >= 161 THEN 1.9 ELSE 1 END, 1
    ) AS distance,
    round(0.2 + 20 * u_weight * u_weight, 1) AS weight,
    CASE WHEN u_courier < 0.4 THEN 'bike' WHEN u_courier < 0.75 THEN 'car' ELSE 'van' END AS courier,
    u_late,
    u_minutes
  FROM draws
),
judged AS (
  SELECT
    *,
    u_late < 1 / (1 + exp(
      3.2
      - 0.12 * distance
      - CASE WHEN hour(dispatched_at) BETWEEN 16 AND 18 THEN 1.6 ELSE 0 END
      - CASE courier WHEN 'van' THEN 0.9 WHEN 'bike' THEN 0.05 * weight ELSE 0 END
    )) AS late
  FROM deliveries
)
SELECT
  dispatched_at AS "dispatchedAt",
  distance,
  weight,
  courier,
  round(CASE WHEN late THEN 10.5 + 40 * u_minutes ELSE 10 - 25 * u_minutes END, 1) AS "minutesLate"
FROM judged
ORDER BY dispatched_at, distance, weight
