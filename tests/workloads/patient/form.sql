\set f random(1, 100000)
SELECT body, step FROM forms WHERE id = :f;
\sleep 12 ms
UPDATE forms SET step = step + 1 WHERE id = :f;
\sleep 12 ms
