\set p random(1, 30000)
SELECT p.name, r.game, max(r.points), count(*)
FROM players p JOIN results r ON r.player = p.id WHERE p.id = :p GROUP BY p.name, r.game ORDER BY 3 DESC;
