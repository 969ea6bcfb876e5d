\set i random(1, 300000)
SELECT i.text, count(l.person) FROM items i LEFT JOIN liked l ON l.item = i.id AND l.person < 10 WHERE i.id = :i GROUP BY i.id;
