/* export_os.c - the settings of the operating system in what a workspace gives away: the commands as a block for a shell, the
 * files that set them when the machine starts, and a play of ansible-core's own modules that does both and takes both back. */
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/export_parts.h"

/* Of a unit: its name is the server's own affair, so a playbook for others cannot have it. */
static bool of_unit(const struct entry *e)
{
    const struct os_row *row = os_find(e->name);
    return row && row->kind == OS_LIMIT;
}

int export_os_count(const struct final_setting *list, int n)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        count += os_is(list[i].entry->name);
    return count;
}

void export_os_commands(const struct final_setting *list, int n, bool undo, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        if (!os_is(list[i].entry->name))
            continue;
        os_command(undo ? &list[i].original : list[i].entry, out);
        buf_putc(out, '\n');
    }
}

/* The line that sets it when the machine starts, behind the name of its file and ": ". */
static void boot_line(const struct entry *e, struct buf *out)
{
    struct entry line = {.present = true};
    struct buf name = {0};

    buf_printf(&name, OS_BOOT_PREFIX "%s", e->name + strlen(OS_PREFIX));
    text_copy_raw(line.name, sizeof line.name, buf_text(&name));
    text_copy_raw(line.value, sizeof line.value, e->value);
    os_command(&line, out);
    buf_clear(&name);
}

/* Those lines that /persist would write to `path`, as a file of the playbook's own: each takes back its own alone. */
static void put_file(const struct final_setting *list, int n, const char *path, const char *own,
                     struct buf *out)
{
    struct buf all = {0}, line = {0};

    for (int i = 0; i < n; i++) {
        if (!os_is(list[i].entry->name) || of_unit(list[i].entry))
            continue;
        line.len = 0;
        boot_line(list[i].entry, &line);
        const char *at = strstr(buf_text(&line), path), *text = at ? strstr(at, ": ") : NULL;
        if (text)
            buf_printf(&all, "%s\n", text + 2);
    }
    if (all.len > 0) {
        buf_puts(out, "      - path: ");
        export_yaml(out, own);
        buf_puts(out, "\n        text: ");
        line.len = 0;
        buf_printf(&line, "# written by the playbook of pg_diagnose\n%s", buf_text(&all));
        export_yaml(out, buf_text(&line));
        buf_puts(out, "\n");
    }
    buf_clear(&all);
    buf_clear(&line);
}

static void put_command(const char *key, const struct entry *e, struct buf *out)
{
    struct buf text = {0};

    os_command(e, &text);
    buf_printf(out, "        %s: ", key);
    export_yaml(out, buf_text(&text));
    buf_puts(out, "\n");
    buf_clear(&text);
}

/* How it is read: sysctl, or the file behind "tee". */
static void put_read(const struct entry *e, struct buf *out)
{
    struct buf text = {0}, read = {0};

    os_command(e, &text);
    const char *file = strstr(buf_text(&text), "| tee ");
    if (file)
        buf_printf(&read, "cat %s", file + strlen("| tee "));
    else
        buf_printf(&read, "sysctl -n %s", e->name + strlen(OS_PREFIX));
    buf_puts(out, "        read: ");
    export_yaml(out, buf_text(&read));
    buf_puts(out, "\n");
    buf_clear(&text);
    buf_clear(&read);
}

static void put_setting(const struct final_setting *f, struct buf *out)
{
    size_t n = strlen(f->original.value);
    bool twin = n > 0 && (f->original.value[n - 1] == '%' || f->original.value[n - 1] == 'B');

    buf_puts(out, "      - name: ");
    export_yaml(out, f->entry->name);
    buf_puts(out, "\n        value: ");
    export_yaml(out, f->entry->value);
    /* a share stands in a setting of its own, and this one is 0 then */
    buf_puts(out, "\n        before: ");
    export_yaml(out, twin ? "0" : f->original.value);
    buf_puts(out, "\n");
    put_read(f->entry, out);
    put_command("set", f->entry, out);
    put_command("undo", &f->original, out);
}

static const char play[] = "- name: Settings of the operating system tuned by pg_diagnose\n"
                           "  hosts: \"{{ pg_hosts | default('all') }}\"\n"
                           "  gather_facts: false\n"
                           "  become: \"{{ os_become | default(true) | bool }}\"\n"
                           "  vars:\n"
                           "    pg_state: present\n"
                           "    # the files that set them when the machine starts\n"
                           "    os_persist: true\n";

static const char tasks[] =
    "  tasks:\n"
    "    - name: Read what is in force\n"
    "      ansible.builtin.shell:\n"
    "        cmd: \"{{ item.read }}\"\n"
    "      loop: \"{{ os_settings }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.name }}\"\n"
    "      register: os_now\n"
    "      changed_when: false\n"
    "      check_mode: false\n"
    "    - name: Set what differs\n"
    "      ansible.builtin.shell:\n"
    "        cmd: \"{{ item.item.set if pg_state == 'present' else item.item.undo }}\"\n"
    "      loop: \"{{ os_now.results }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.item.name }}\"\n"
    "      vars:\n"
    "        wanted: \"{{ item.item.value if pg_state == 'present' else item.item.before }}\"\n"
    "      changed_when: true\n"
    "      when: >-\n"
    "        wanted not in item.stdout_lines\n"
    "        and ('[' ~ wanted ~ ']') not in item.stdout\n"
    "    - name: Set them when the machine starts\n"
    "      ansible.builtin.copy:\n"
    "        dest: \"{{ item.path }}\"\n"
    "        content: \"{{ item.text }}\"\n"
    "        owner: root\n"
    "        group: root\n"
    "        mode: \"0644\"\n"
    "      loop: \"{{ os_files }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.path }}\"\n"
    "      when:\n"
    "        - pg_state == 'present'\n"
    "        - os_persist | bool\n"
    "    - name: Do not set them any more when the machine starts\n"
    "      ansible.builtin.file:\n"
    "        path: \"{{ item.path }}\"\n"
    "        state: absent\n"
    "      loop: \"{{ os_files }}\"\n"
    "      loop_control:\n"
    "        label: \"{{ item.path }}\"\n"
    "      when: pg_state != 'present'\n";

void export_os_play(const struct final_setting *list, int n, struct buf *out)
{
    struct buf files = {0}, settings = {0};

    for (int i = 0; i < n; i++) {
        if (!os_is(list[i].entry->name))
            continue;
        if (of_unit(list[i].entry)) {
            buf_printf(out, "# left out: %s, a limit of the server's own unit\n",
                       list[i].entry->name);
            continue;
        }
        put_setting(&list[i], &settings);
    }
    if (settings.len > 0) {
        buf_puts(out, play);
        buf_printf(out, "    os_settings:\n%s", buf_text(&settings));
        put_file(list, n, "/etc/sysctl.d/90-pg_diagnose.conf",
                 "/etc/sysctl.d/91-pg_diagnose-ansible.conf", &files);
        put_file(list, n, "/etc/tmpfiles.d/pg_diagnose.conf",
                 "/etc/tmpfiles.d/pg_diagnose-ansible.conf", &files);
        buf_printf(out, "    os_files:\n%s", buf_text(&files));
        buf_puts(out, tasks);
    }
    buf_clear(&files);
    buf_clear(&settings);
}
