\set s random(0, 6)
SELECT game, percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY points), count(DISTINCT player)
FROM results WHERE season = :s GROUP BY game;
