-- Readings of devices come in all the time and are looked at by site. About 350 MB.
CREATE TABLE devices (
    id int PRIMARY KEY,
    site int NOT NULL,
    name text NOT NULL,
    seen timestamptz NOT NULL,
    value double precision NOT NULL,
    alarms int NOT NULL,
    firmware text NOT NULL
);
INSERT INTO devices
SELECT i, i % 400, 'device ' || i, timestamptz '2024-01-01 00:00+00' + i * interval '1 second', i % 97, 0,
       repeat(md5(i::text), 6)
FROM generate_series(1, 300000) i;
CREATE INDEX ON devices (site);

CREATE TABLE readings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    device int NOT NULL,
    at timestamptz NOT NULL,
    token text NOT NULL,
    value double precision NOT NULL
);
INSERT INTO readings (device, at, token, value)
SELECT 1 + (i * 7919::bigint) % 300000, timestamptz '2024-01-01 00:00+00' + i * interval '1 second', md5(i::text),
       (i * 31::bigint % 1000) / 10.0
FROM generate_series(1, 700000) i;
CREATE INDEX ON readings (device, at);
CREATE INDEX ON readings (token);
VACUUM ANALYZE;
