\set o random(0, 8999)
SELECT id, step, left(body, 20) FROM forms WHERE owner = :o ORDER BY step DESC LIMIT 10;
\sleep 25 ms
