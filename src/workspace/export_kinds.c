/* export_kinds.c - the table of exports; see export.h. */
#include "pgd/workspace/export_parts.h"

static const struct export_kind kinds[] = {
    [EXPORT_REPORT] = {"report", "workspace_report.md",
                       "what was tried, measured and kept, with the reason of each value",
                       export_report},
    [EXPORT_CONF] = {"conf", "postgresql.conf", "the tuned settings, to be included", export_conf},
    [EXPORT_ANSIBLE] = {"ansible", "apply_tuning.yml",
                        "a playbook that applies, checks and rolls back", export_ansible},
    {"html", "workspace_report.html", "the report as one page with its plots", export_html},
    {"ticket", "change_ticket.md", "one page for those who approve a change", export_ticket},
    {"sql", "apply_tuning.sql", "the settings as ALTER SYSTEM", export_sql},
    {"undo", "undo_tuning.sql", "what puts back what stood there before", export_undo},
    {"json", "tuning.json", "settings and evidence for programs", export_json},
    {"patroni", "patroni.yml", "for patronictl edit-config --apply", export_patroni},
    {"cnpg", "cloudnativepg.yaml", "a patch of a CloudNativePG cluster", export_cnpg},
    {"rds", "rds_parameters.json", "for aws rds modify-db-parameter-group", export_rds},
    {"docker", "docker_arguments.txt", "arguments of postgres in a container", export_docker},
};

const struct export_kind *export_kind_at(int i)
{
    _Static_assert(sizeof kinds / sizeof kinds[0] <= EXPORTS_MAX, "room for each path");
    return i >= 0 && i < (int)(sizeof kinds / sizeof kinds[0]) ? &kinds[i] : NULL;
}
