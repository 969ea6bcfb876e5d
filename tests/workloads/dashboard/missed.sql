-- The lines on which calls were missed, beside all of the same hour.
\set h random(0, 23)
SELECT c.line, count(*), count(DISTINCT c.agent), max(a.name)
FROM calls c JOIN agents a ON a.id = c.agent
WHERE c.hour = :h AND c.result IN (2, 5) AND c.seconds < 60 AND c.day >= date '2024-01-20' AND c.comment > '3' AND c.line <> 7
GROUP BY c.line;
