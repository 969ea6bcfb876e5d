-- The night's analysis of web traffic by one job. About 250 MB.
CREATE TABLE pages (id int PRIMARY KEY, section int NOT NULL, title text NOT NULL, meta text NOT NULL);
INSERT INTO pages SELECT i, i % 60, 'page ' || i, repeat(md5(i::text), 6) FROM generate_series(1, 150000) i;

CREATE TABLE visits (
    id int NOT NULL,
    page int NOT NULL,
    visitor int NOT NULL,
    at timestamptz NOT NULL,
    ms int NOT NULL,
    bytes int NOT NULL,
    agent text NOT NULL
);
INSERT INTO visits
SELECT i, 1 + (i * 7919::bigint) % 150000, (i * 104729::bigint) % 400009, timestamptz '2024-01-01 00:00+00' + i * interval '3 seconds',
       i * 13 % 5000, (i * 31::bigint) % 200000, 'agent/' || md5((i % 5000)::text)
FROM generate_series(1, 1200000) i;
VACUUM ANALYZE;
