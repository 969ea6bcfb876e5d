-- A screen in an office that asks for sums over the last days again and again. About 90 MB.
CREATE TABLE teams (id int PRIMARY KEY, division int NOT NULL, name text NOT NULL);
INSERT INTO teams SELECT i, i % 12, 'team ' || i FROM generate_series(1, 300) i;

CREATE TABLE agents (id int PRIMARY KEY, team int NOT NULL, name text NOT NULL);
INSERT INTO agents SELECT i, 1 + i % 300, 'agent ' || i FROM generate_series(1, 6000) i;
CREATE INDEX ON agents (team);

CREATE TABLE tickets (
    id int PRIMARY KEY,
    agent int NOT NULL,
    opened timestamptz NOT NULL,
    minutes int NOT NULL,
    kind int NOT NULL,
    score numeric(5, 2) NOT NULL,
    subject text NOT NULL
);
INSERT INTO tickets
SELECT i, 1 + (i * 7919::bigint) % 6000, timestamptz '2024-01-01 00:00+00' + i * interval '40 seconds', i * 13 % 480, i % 17,
       (i * 31::bigint % 10000) / 100.0, 'ticket ' || md5(i::text)
FROM generate_series(1, 400000) i;
CREATE INDEX ON tickets (opened);
CREATE INDEX ON tickets (agent);

CREATE TABLE calls (
    agent int NOT NULL,
    day date NOT NULL,
    hour int NOT NULL,
    line int NOT NULL,
    seconds int NOT NULL,
    result int NOT NULL,
    comment text NOT NULL
);
INSERT INTO calls
SELECT 1 + i % 6000, date '2024-01-01' + i % 45, i * 13 % 24, i % 8, i * 7 % 1800, i * 31 % 12, left(md5(i::text), 24)
FROM generate_series(1, 120000) i;
VACUUM ANALYZE;
