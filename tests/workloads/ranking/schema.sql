-- Results of games: who leads, who climbs. About 60 MB.
CREATE TABLE players (id int PRIMARY KEY, club int NOT NULL, name text NOT NULL);
INSERT INTO players SELECT i, i % 300, 'player ' || i FROM generate_series(1, 30000) i;

CREATE TABLE results (
    player int NOT NULL,
    season int NOT NULL,
    at timestamptz NOT NULL,
    game int NOT NULL,
    points double precision NOT NULL
);
INSERT INTO results
SELECT 1 + (i * 7919::bigint) % 30000, i / 100000, timestamptz '2020-01-01 00:00+00' + (i * 104729::bigint % 700001) * interval '1 minute',
       i % 23, (i * 31::bigint % 100003) / 7.0
FROM generate_series(0, 699999) i;
CREATE INDEX ON results (season);
CREATE INDEX ON results (player);
VACUUM ANALYZE;
