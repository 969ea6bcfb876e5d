\set s random(1, 20000)
BEGIN;
UPDATE counters SET next = next + 1, changed = now() WHERE id = 1;
SELECT price FROM seats WHERE id = :s;
SELECT next FROM counters WHERE id = 1;
END;
