\set t :client_id % 4 + 1
\set i random(1, 90000)
BEGIN;
INSERT INTO staging_:t SELECT :i + g, g % 7, md5((:i + g)::text) FROM generate_series(1, 100) g;
UPDATE stock s SET amount = s.amount + d.amount, changed = now() FROM staging_:t d
WHERE d.item = s.item AND s.item BETWEEN :i + 1 AND :i + 100;
SELECT count(*) FROM staging_:t d
WHERE NOT EXISTS (SELECT FROM stock s WHERE s.item = d.item AND s.item BETWEEN :i + 1 AND :i + 100);
TRUNCATE staging_:t;
END;
