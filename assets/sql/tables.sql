-- One row: live and dead rows of the tables of this database. The functions behind pg_stat_user_tables are called for these
-- two figures alone: the view computes some twenty for each table.
SELECT sum(pg_stat_get_live_tuples(oid)) AS live_tuples, sum(pg_stat_get_dead_tuples(oid)) AS dead_tuples
  FROM pg_class
 WHERE relkind IN ('r', 'm', 't')
