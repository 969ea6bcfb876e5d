-- One row: checkpoints and who wrote the buffers. The checkpointer has a view of its own from PostgreSQL 17 on, and what
-- the backends wrote themselves stands in pg_stat_io.
SELECT c.num_timed AS ckpt_timed, c.num_requested AS ckpt_req,
       c.write_time AS ckpt_write_ms, c.sync_time AS ckpt_sync_ms,
       c.buffers_written AS buffers_ckpt, b.buffers_clean, io.buffers_backend,
       extract(epoch FROM b.stats_reset) AS reset_at
  FROM pg_catalog.pg_stat_checkpointer AS c,
       pg_catalog.pg_stat_bgwriter AS b,
       (SELECT sum(coalesce(writes, 0) + coalesce(extends, 0)) AS buffers_backend
          FROM pg_catalog.pg_stat_get_io()
         WHERE object = 'relation' AND backend_type NOT IN ('checkpointer', 'background writer')) AS io
