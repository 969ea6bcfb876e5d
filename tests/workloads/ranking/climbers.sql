-- The greatest steps from one game of a player to the next, in one season and the next.
\set s random(0, 5)
SELECT player, max(step) FROM (
    SELECT player, points - lag(points) OVER (PARTITION BY player ORDER BY at) AS step
    FROM results WHERE season IN (:s, :s + 1)) x
GROUP BY player ORDER BY 2 DESC NULLS LAST LIMIT 10;
