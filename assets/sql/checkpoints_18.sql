-- One row: checkpoints and who wrote the buffers. From PostgreSQL 18 on one write may hold several buffers, so pg_stat_io
-- is read in bytes.
SELECT c.num_timed AS ckpt_timed, c.num_requested AS ckpt_req,
       c.write_time AS ckpt_write_ms, c.sync_time AS ckpt_sync_ms,
       c.buffers_written AS buffers_ckpt, b.buffers_clean, io.buffers_backend,
       extract(epoch FROM b.stats_reset) AS reset_at
  FROM pg_catalog.pg_stat_checkpointer AS c,
       pg_catalog.pg_stat_bgwriter AS b,
       (SELECT trunc(sum(coalesce(write_bytes, 0) + coalesce(extend_bytes, 0))
                     / current_setting('block_size')::numeric) AS buffers_backend
          FROM pg_catalog.pg_stat_get_io()
         WHERE object = 'relation' AND backend_type NOT IN ('checkpointer', 'background writer')) AS io
