\set s random(0, 6)
SELECT game, player, points FROM (
    SELECT game, player, points, rank() OVER (PARTITION BY game ORDER BY points DESC) AS place
    FROM results WHERE season = :s) x
WHERE place <= 3 ORDER BY game, place;
