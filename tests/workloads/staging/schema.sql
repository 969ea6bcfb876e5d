-- Small deliveries are loaded into a staging table of their own, checked, merged and emptied again.
CREATE TABLE stock (item int PRIMARY KEY, amount int NOT NULL, changed timestamptz NOT NULL, label text NOT NULL);
INSERT INTO stock SELECT i, i % 500, timestamptz '2024-01-01', md5(i::text) FROM generate_series(1, 100000) i;
DO $$
BEGIN
    FOR i IN 1..4 LOOP
        EXECUTE format('CREATE TABLE staging_%s (item int NOT NULL, amount int NOT NULL, label text)', i);
        EXECUTE format('CREATE INDEX ON staging_%s (item)', i);
    END LOOP;
END $$;
VACUUM ANALYZE;
