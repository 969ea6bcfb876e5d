-- The last day of a division, by team.
\set d random(0, 11)
\set t random(1, 180)
SELECT te.name, count(*), avg(ti.minutes), sum(CASE WHEN ti.kind IN (1, 4, 9) THEN ti.score ELSE 0 END),
       count(*) FILTER (WHERE ti.minutes > 240), max(ti.score)
FROM tickets ti JOIN agents a ON a.id = ti.agent JOIN teams te ON te.id = a.team
WHERE te.division = :d AND ti.opened >= timestamptz '2024-01-01 00:00+00' + :t * interval '1 day'
  AND ti.opened < timestamptz '2024-01-01 00:00+00' + (:t + 1) * interval '1 day'
GROUP BY te.name ORDER BY 2 DESC LIMIT 10;
