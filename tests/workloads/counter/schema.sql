-- Tickets of a concert: everybody takes the next number of the same few rows.
CREATE TABLE counters (id int PRIMARY KEY, next bigint NOT NULL, changed timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 10);
INSERT INTO counters SELECT i, 0 FROM generate_series(1, 2) i;
CREATE TABLE seats (id int PRIMARY KEY, row int NOT NULL, price int NOT NULL);
INSERT INTO seats SELECT i, i / 50, 20 + i % 90 FROM generate_series(1, 20000) i;
VACUUM ANALYZE;
