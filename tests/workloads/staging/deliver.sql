\set t :client_id % 4 + 1
\set i random(1, 90000)
BEGIN;
INSERT INTO staging_:t SELECT :i + g, g % 7, md5((:i + g)::text) FROM generate_series(1, 100) g;
UPDATE stock s SET amount = s.amount + d.amount, changed = now() FROM staging_:t d WHERE d.item = s.item;
SELECT count(*) FROM staging_:t d LEFT JOIN stock s USING (item) WHERE s.item IS NULL;
TRUNCATE staging_:t;
END;
