-- A form that people fill in: a few statements, and pauses between them.
CREATE TABLE forms (id int PRIMARY KEY, owner int NOT NULL, step int NOT NULL, body text NOT NULL);
INSERT INTO forms SELECT i, i % 9000, 0, repeat(md5(i::text), 4) FROM generate_series(1, 100000) i;
CREATE INDEX ON forms (owner);
VACUUM ANALYZE;
