-- Long calls of a day that ended badly, by hour: no index helps, a table of 9 MB is read.
\set d random(0, 44)
\set r random(0, 11)
SELECT hour, count(*), avg(seconds), max(comment)
FROM calls
WHERE day = date '2024-01-01' + :d AND result <> :r AND seconds > 300 AND line BETWEEN 1 AND 6 AND hour BETWEEN 7 AND 20
  AND comment <> '' AND agent > 100
GROUP BY hour ORDER BY hour;
