/* export_ansible.c - a playbook of ansible-core's own modules that brings a server to what was measured, or back.
 *
 * It compares what postgresql.auto.conf says with what it should say and sends only the statements that are missing: a
 * second run changes nothing. In check mode it says what it would send. It needs psql and a superuser's connection, given
 * as libpq's; nothing in it needs root but the part of the operating system, where there is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/export_parts.h"

static const char play[] =
    "- name: PostgreSQL settings tuned by pg_diagnose\n"
    "  hosts: \"{{ pg_hosts | default('all') }}\"\n"
    "  gather_facts: false\n"
    "  become: \"{{ pg_become | default(false) | bool }}\"\n"
    "  become_user: \"{{ pg_owner | default('postgres') }}\"\n"
    "  vars:\n"
    "    # present: what was measured; absent: what stood there before\n"
    "    pg_state: present\n"
    "    # a connection of a superuser, in libpq's words: host=/run/postgresql port=5432 "
    "user=postgres\n"
    "    pg_connection: \"dbname=postgres\"\n"
    "    # what restarts the server, as a list of words; without it a restart is left to you\n"
    "    pg_restart: []\n"
    "    pg_psql: [psql, -X, -A, -t, -q, -v, ON_ERROR_STOP=1]\n";

static const char tasks[] =
    "    - name: Read the entries of postgresql.auto.conf\n"
    "      ansible.builtin.command:\n"
    "        argv: \"{{ pg_psql + ['-d', pg_connection, '-c', pg_entries_sql] }}\"\n"
    "      register: pg_entries\n"
    "      changed_when: false\n"
    "      check_mode: false\n"
    "    - name: Find what differs\n"
    "      ansible.builtin.set_fact:\n"
    "        pg_missing: \"{{ pg_missing | default([]) + [item] }}\"\n"
    "      loop: \"{{ pg_settings }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.name }}\"\n"
    "      when: >-\n"
    "        (pg_entries.stdout | from_json).get(item.name)\n"
    "        != (item.value if pg_state == 'present' else item.before)\n"
    "    - name: Say what would be sent\n"
    "      ansible.builtin.debug:\n"
    "        msg: \"{{ item.set if pg_state == 'present' else item.undo }}\"\n"
    "      loop: \"{{ pg_missing | default([]) }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.name }}\"\n"
    "      changed_when: true\n"
    "      when: ansible_check_mode\n"
    "    - name: Send what differs\n"
    "      ansible.builtin.command:\n"
    "        argv: \"{{ pg_psql + ['-d', pg_connection, '-c', item.set if pg_state == 'present' "
    "else "
    "item.undo] }}\"\n"
    "      loop: \"{{ pg_missing | default([]) }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.name }}\"\n"
    "      changed_when: true\n"
    "      when: not ansible_check_mode\n"
    "      notify: Reload the configuration\n"
    "    - name: Reload now\n"
    "      ansible.builtin.meta: flush_handlers\n"
    "    - name: Find what waits for a restart\n"
    "      ansible.builtin.command:\n"
    "        argv: \"{{ pg_psql + ['-d', pg_connection, '-c', pg_waiting_sql] }}\"\n"
    "      register: pg_waiting\n"
    "      changed_when: false\n"
    "      check_mode: false\n"
    "    - name: Restart the server\n"
    "      ansible.builtin.command:\n"
    "        argv: \"{{ pg_restart }}\"\n"
    "      changed_when: true\n"
    "      when:\n"
    "        - pg_waiting.stdout | length > 0\n"
    "        - pg_restart | length > 0\n"
    "        - not ansible_check_mode\n"
    "    - name: Say what waits for a restart\n"
    "      ansible.builtin.debug:\n"
    "        msg: \"restart the server for: {{ pg_waiting.stdout_lines | join(', ') }}\"\n"
    "      when:\n"
    "        - pg_waiting.stdout | length > 0\n"
    "        - pg_restart | length == 0\n";

static const char handlers[] =
    "  handlers:\n"
    "    - name: Reload the configuration\n"
    "      ansible.builtin.command:\n"
    "        argv: \"{{ pg_psql + ['-d', pg_connection, '-c', 'SELECT pg_reload_conf(); SELECT "
    "pg_sleep(0.5)'] }}\"\n"
    "      changed_when: false\n";

/* Text within a YAML double-quoted scalar of a template: braces would begin an expression of Jinja. */
static void put_scalar(struct buf *out, const char *text)
{
    if (strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#"))
        buf_puts(out, "!unsafe ");
    export_yaml(out, text);
}

static void put_statement(const struct entry *e, struct buf *out)
{
    struct buf sql = {0};

    entry_sql(e, &sql);
    put_scalar(out, buf_text(&sql));
    buf_clear(&sql);
}

static void put_setting(const struct final_setting *f, struct buf *out)
{
    buf_printf(out, "      - name: %s\n        value: ", f->entry->name);
    put_scalar(out, f->entry->value);
    buf_puts(out, "\n        before: ");
    if (f->original.present)
        put_scalar(out, f->original.value);
    else
        buf_puts(out, "null");
    buf_puts(out, "\n        set: ");
    put_statement(f->entry, out);
    buf_puts(out, "\n        undo: ");
    put_statement(&f->original, out);
    buf_puts(out, "\n");
}

/* The names as a list of literals: all of them are on the allowlist, plain words. */
static void put_names(const struct final_setting *list, int n, struct buf *out)
{
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s'%s'", i ? ", " : "", list[i].entry->name);
    if (n == 0)
        buf_puts(out, "''");
}

static void put_queries(const struct final_setting *list, int n, struct buf *out)
{
    struct buf sql = {0};

    buf_puts(&sql, "SELECT coalesce(json_object_agg(name, setting), '{}') FROM (SELECT DISTINCT ON "
                   "(name) name, "
                   "setting FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' "
                   "AND name IN (");
    put_names(list, n, &sql);
    buf_puts(&sql, ") ORDER BY name, seqno DESC) s");
    buf_puts(out, "    pg_entries_sql: ");
    export_yaml(out, buf_text(&sql));
    sql.len = 0;
    buf_puts(&sql, "SELECT name FROM pg_settings WHERE pending_restart AND name IN (");
    put_names(list, n, &sql);
    buf_puts(&sql, ")");
    buf_puts(out, "\n    pg_waiting_sql: ");
    export_yaml(out, buf_text(&sql));
    buf_puts(out, "\n");
    buf_clear(&sql);
}

void export_ansible(const struct model *m, const struct session *const *sessions, int n,
                    struct buf *out)
{
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int all = export_final(m, sessions, n, list, LEDGER_MAX), count;

    buf_puts(out, "---\n");
    export_head(m, n, all, "#", out);
    buf_puts(out, "#\n"
                  "# ansible-playbook -i HOST, apply_tuning.yml -e "
                  "pg_connection='host=/run/postgresql user=postgres'\n"
                  "#     --check              what would be sent\n"
                  "#     -e pg_state=absent   back to what stood there before\n"
                  "# Memory sizes fit the machine on which they were measured.\n");
    export_os_play(list, all, out); /* huge pages have to be there before the server starts */
    count = export_settings(m, sessions, n, list, LEDGER_MAX);
    buf_puts(out, play);
    put_queries(list, count, out);
    buf_puts(out, count ? "    pg_settings:\n" : "    pg_settings: []\n");
    for (int i = 0; i < count; i++)
        put_setting(&list[i], out);
    buf_puts(out, "  tasks:\n");
    buf_puts(out, tasks);
    buf_puts(out, handlers);
    free(list);
}
