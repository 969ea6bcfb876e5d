-- One row: checkpoints and who wrote the buffers, up to PostgreSQL 16.
SELECT checkpoints_timed AS ckpt_timed, checkpoints_req AS ckpt_req,
       checkpoint_write_time AS ckpt_write_ms, checkpoint_sync_time AS ckpt_sync_ms,
       buffers_checkpoint AS buffers_ckpt, buffers_clean, buffers_backend,
       extract(epoch FROM stats_reset) AS reset_at
  FROM pg_catalog.pg_stat_bgwriter
