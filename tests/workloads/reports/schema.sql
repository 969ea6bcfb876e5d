-- The sales desk of a wholesaler: three years of offers with their texts. About 230 MB.
CREATE TABLE customers (
    id int PRIMARY KEY,
    region int NOT NULL,
    name text NOT NULL,
    address text NOT NULL
);
INSERT INTO customers
SELECT i, i % 40, 'customer ' || i, repeat(md5(i::text), 8)
FROM generate_series(1, 60000) i;

CREATE TABLE offers (
    id int PRIMARY KEY,
    customer int NOT NULL,
    product int NOT NULL,
    day date NOT NULL,
    amount numeric(10, 2) NOT NULL,
    body text NOT NULL
);
INSERT INTO offers
SELECT i, 1 + (i * 7919::bigint) % 60000, 1 + (i * 104729::bigint) % 5000, date '2021-01-01' + i / 160,
       ((i * 31::bigint) % 90000) / 100.0, repeat(md5((i * 17::bigint % 60007)::text), 30)
FROM generate_series(1, 170000) i;
CREATE INDEX ON offers (day);
CREATE INDEX ON offers (customer);
VACUUM ANALYZE;
