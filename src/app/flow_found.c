/* flow_found.c - what an interrupted restart has left in the data directory, and no session of this workspace knows of: the
 * home of the program that made it is lost, or was another one. Its files are copied into the workspace, told, and removed from
 * where they are no use. The server is up, or we would not be here. */
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/clock.h"
#include "pgd/base/log.h"
#include "pgd/base/text.h"

/* Steps of FLOW_WORKSPACE, behind those of flow_open.c. */
enum {
    FOUND_READ = 100, /* the script prints the files; or it says why they are left alone */
    FOUND_KEEP,       /* found-TIME.txt in the workspace is being written */
    FOUND_CLEAN       /* the script removes them */
};

static void run(struct model *m, const char *mode, int step, struct effects *fx)
{
    m->fl.step = step;
    struct effect *e = restart_script(&m->server.id, RESTART_WAY_NONE, mode, "found", CHILD_COLLECT,
                                      flow_req(m), fx);
    e->changes_server = step == FOUND_CLEAN;
}

bool flow_found_begin(struct model *m, struct effects *fx)
{
    const struct identity *id = &m->server.id;

    if (!id->leftovers[0] || m->opt.readonly || m->workspace.readonly ||
        !restart_script_possible(id))
        return false;
    model_say(m, CHAT_WARN, "found in the data directory, from a restart that was interrupted: %s",
              id->leftovers);
    flow_enter(m, FLOW_WORKSPACE);
    run(m, "found", FOUND_READ, fx);
    m->server.id.leftovers[0] = '\0'; /* once */
    return true;
}

static void over(struct model *m, struct effects *fx)
{
    flow_sight(m, fx);
}

static void keep(struct model *m, const struct event *ev, struct effects *fx)
{
    struct buf path = {0};
    char stamp[40], note[300], state[32];
    const char *text = ev->text ? ev->text : "";

    text_field(text, "state", state, sizeof state);
    text_field(text, "note", note, sizeof note);
    if (ev->err.code != ERR_NONE || strcmp(state, "found") != 0) {
        model_say(m, CHAT_WARN, "they are left as they are: %s",
                  note[0]          ? note
                  : ev->err.msg[0] ? ev->err.msg
                                   : "they cannot be read");
        over(m, fx);
        return;
    }
    model_say(m, CHAT_WARN, "%s", note);
    clock_session_stamp(m->wall_us, stamp, sizeof stamp);
    buf_printf(&path, "%s/found-%s.txt", m->workspace.dir, stamp);
    text_copy_raw(m->fl.paths[0], sizeof m->fl.paths[0], buf_text(&path));
    m->fl.step = FOUND_KEEP;
    struct effect *e = fx_file(fx, flow_req(m), FILE_SAVE, buf_text(&path));
    e->len = strlen(text);
    e->text = xstrdup(text);
    buf_clear(&path);
}

bool flow_found_event(struct model *m, const struct event *ev, struct effects *fx)
{
    char state[32];

    if (m->fl.step >= FOUND_READ && ev->kind != EV_CHILD_EXIT && ev->kind != EV_FILE)
        return true;
    switch (m->fl.step) {
    case FOUND_READ:
        keep(m, ev, fx);
        return true;
    case FOUND_KEEP:
        if (ev->err.code == ERR_NONE) {
            model_say(m, CHAT_EVENT, "kept as %s", m->fl.paths[0]);
            run(m, "clean", FOUND_CLEAN, fx);
        } else {
            model_say(m, CHAT_WARN, "they are left as they are: %s", ev->err.msg);
            over(m, fx);
        }
        m->fl.paths[0][0] = '\0';
        return true;
    case FOUND_CLEAN:
        text_field(ev->text ? ev->text : "", "state", state, sizeof state);
        if (strcmp(state, "cleaned") == 0)
            model_say(m, CHAT_EVENT, "and removed from the data directory");
        else
            model_say(m, CHAT_WARN, "but they could not be removed");
        over(m, fx);
        return true;
    default:
        return false;
    }
}
