-- One row: locks that are waited for, and transactions that were prepared and not finished.
SELECT (SELECT count(*) FROM pg_locks WHERE NOT granted) AS locks_waiting,
       (SELECT count(*) FROM pg_prepared_xacts) AS prepared_xacts
