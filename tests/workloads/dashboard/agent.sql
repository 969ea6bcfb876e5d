\set a random(1, 6000)
SELECT a.name, te.name, count(*), avg(ti.score), percentile_cont(0.5) WITHIN GROUP (ORDER BY ti.minutes)
FROM agents a JOIN teams te ON te.id = a.team JOIN tickets ti ON ti.agent = a.id
WHERE a.id = :a GROUP BY 1, 2;
