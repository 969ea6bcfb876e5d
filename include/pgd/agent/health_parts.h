/* health_parts.h - the checks that need no statement of their own (health_facts.c, health_settings.c), for the
 * table in health_checks.c. */
#pragma once

#include "pgd/agent/health.h"

enum health_grade health_fsync(const struct server_facts *f, struct health_look *out);
enum health_grade health_full_page_writes(const struct server_facts *f, struct health_look *out);
enum health_grade health_autovacuum(const struct server_facts *f, struct health_look *out);
enum health_grade health_track_counts(const struct server_facts *f, struct health_look *out);
enum health_grade health_checksums(const struct server_facts *f, struct health_look *out);
enum health_grade health_pending(const struct server_facts *f, struct health_look *out);
enum health_grade health_memory(const struct server_facts *f, struct health_look *out);
enum health_grade health_shared_buffers(const struct server_facts *f, struct health_look *out);
enum health_grade health_random_page_cost(const struct server_facts *f, struct health_look *out);
enum health_grade health_checkpoints(const struct server_facts *f, struct health_look *out);
enum health_grade health_temp_files(const struct server_facts *f, struct health_look *out);
enum health_grade health_hit_ratio(const struct server_facts *f, struct health_look *out);
enum health_grade health_connections(const struct server_facts *f, struct health_look *out);
enum health_grade health_deadlocks(const struct server_facts *f, struct health_look *out);
enum health_grade health_rollbacks(const struct server_facts *f, struct health_look *out);
enum health_grade health_huge_pages(const struct server_facts *f, struct health_look *out);
enum health_grade health_statements(const struct server_facts *f, struct health_look *out);
enum health_grade health_disk(const struct server_facts *f, struct health_look *out);
enum health_grade health_swap(const struct server_facts *f, struct health_look *out);
enum health_grade health_thp(const struct server_facts *f, struct health_look *out);
enum health_grade health_overcommit(const struct server_facts *f, struct health_look *out);
enum health_grade health_overrides(const struct server_facts *f, struct health_look *out);
enum health_grade health_password(const struct server_facts *f, struct health_look *out);
enum health_grade health_version(const struct server_facts *f, struct health_look *out);
enum health_grade health_damage_hidden(const struct server_facts *f, struct health_look *out);
enum health_grade health_synchronous_commit(const struct server_facts *f, struct health_look *out);
enum health_grade health_track_activities(const struct server_facts *f, struct health_look *out);
enum health_grade health_planner_switches(const struct server_facts *f, struct health_look *out);
enum health_grade health_log_lost(const struct server_facts *f, struct health_look *out);
enum health_grade health_log_all(const struct server_facts *f, struct health_look *out);
enum health_grade health_values(const struct server_facts *f, struct health_look *out);
enum health_grade health_session_defaults(const struct server_facts *f, struct health_look *out);
enum health_grade health_clear_text(const struct server_facts *f, struct health_look *out);
enum health_grade health_archive_empty(const struct server_facts *f, struct health_look *out);
