-- Recommendations: each request collects candidates in a temporary table and joins it several times.
CREATE TABLE items (id int PRIMARY KEY, shelf int NOT NULL, weight int NOT NULL, text text NOT NULL);
INSERT INTO items SELECT i, i % 500, i * 13 % 1000, repeat(md5(i::text), 4) FROM generate_series(1, 300000) i;
CREATE INDEX ON items (shelf);
CREATE TABLE liked (person int NOT NULL, item int NOT NULL, PRIMARY KEY (person, item));
INSERT INTO liked SELECT i / 60, 1 + (i * 7919::bigint) % 300000 FROM generate_series(1, 600000) i ON CONFLICT DO NOTHING;
VACUUM ANALYZE;
