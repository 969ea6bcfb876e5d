-- The size of this database: it reads the size of every file, so it comes apart from the others.
SELECT current_database() AS name, pg_database_size(current_database()) AS bytes
