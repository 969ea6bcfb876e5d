-- A dictionary that is looked things up in: all in memory, one row at a time.
CREATE TABLE words (id int PRIMARY KEY, word text NOT NULL, meaning text NOT NULL);
INSERT INTO words SELECT i, md5(i::text), repeat(md5((i * 3)::text), 3) FROM generate_series(1, 50000) i;
CREATE INDEX ON words (word);
CREATE TABLE relations (a int NOT NULL, b int NOT NULL, kind int NOT NULL, PRIMARY KEY (a, b));
INSERT INTO relations SELECT 1 + i % 50000, 1 + (i * 7919::bigint) % 50000, i % 5 FROM generate_series(1, 150000) i
ON CONFLICT DO NOTHING;
VACUUM ANALYZE;
