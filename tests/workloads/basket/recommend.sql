\set p random(1, 9900)
\set s random(0, 400)
BEGIN;
CREATE TEMPORARY TABLE candidates ON COMMIT DROP AS
    SELECT i.id, i.weight, i.text, 0 AS score FROM items i WHERE i.shelf BETWEEN :s AND :s + 79;
UPDATE candidates c SET score = c.weight + 100 WHERE c.id % 3 = :p % 3;
DELETE FROM candidates c USING liked l WHERE l.person = :p AND l.item = c.id;
SELECT id, score, left(text, 20) FROM candidates ORDER BY score DESC, id LIMIT 20;
SELECT count(*), avg(score), count(DISTINCT weight) FROM candidates;
END;
