/* What is kept of a request: nothing that REDACTED would not have sent, whatever the level was, in both dialects. */
#include "builtin_world.h"
#include "pgd/agent/audit.h"
#include "pgd/agent/packet.h"
#include "pgd/agent/wire.h"
#include "pgd/protocol/json_records.h"

static char *sent(enum dialect dialect, enum privacy level, const struct op_input *in,
                  const struct wire_repair *repair, struct buf *kept)
{
    struct endpoint to = {.dialect = dialect, .model = "m", .base = "http://127.0.0.1:1"};
    struct mask *m = mask_new(level);
    struct packet p;
    struct effects fx = {0};
    packet_build(OP_QUESTION, in, &(struct packet_options){.mask = m, .nonce = "5eed"}, &p);
    const struct effect *e = wire_request(&fx, (struct req){OWNER_ASK, 1, 1}, &to, &p, 1000, true,
                                          repair);
    audit_line(&(struct audit_note){.wall_us = 1795000000000000,
                                    .op = OP_QUESTION,
                                    .model = "m",
                                    .url = "http://127.0.0.1:1",
                                    .level = level,
                                    .mask = m,
                                    .body = e->text,
                                    .len = e->len},
               kept);
    char *body = xstrndup(e->text, e->len);
    assert_int_equal(mask_level(m), level);
    effects_clear(&fx);
    packet_clear(&p);
    mask_free(m);
    return body;
}

static void test_full_is_kept_redacted(void **state)
{
    (void)state;
    struct world *w = world_new();
    snprintf(w->plans[0].query, sizeof w->plans[0].query,
             "SELECT a FROM orders WHERE b = 'Kanarie' -- Kanarie");
    w->plans[0].valid = true;
    w->e.plans = w->plans;
    w->e.nplans = 1;
    struct op_input in = {.e = &w->e, .question = "why is 'Kanarie' slow on app?"};
    const struct wire_repair repair = {"{\"text\":\"'Kanarie' it is\"}", "\"Kanarie\" is no value"};
    for (int d = 0; d < 4; d++) {
        struct buf kept = {0};
        char *body = sent(d % 2 ? DIALECT_OPENAI : DIALECT_GEMINI, PRIVACY_FULL, &in,
                          d > 1 ? &repair : NULL, &kept);
        assert_non_null(strstr(body, "Kanarie"));
        if (strstr(buf_text(&kept), "Kanarie"))
            fail_msg("%d: kept: %s", d, strstr(buf_text(&kept), "Kanarie"));
        assert_non_null(strstr(buf_text(&kept), "SELECT a FROM orders WHERE b = ?"));
        assert_non_null(strstr(buf_text(&kept), "You are the tuning adviser"));
        assert_non_null(strstr(buf_text(&kept), "\"privacy\":\"full\""));
        assert_non_null(strstr(buf_text(&kept), "work_mem"));
        json_t *line = js_parse(buf_text(&kept), kept.len, NULL);
        assert_true(json_is_object(json_object_get(line, "request")));
        json_decref(line);
        free(body);
        buf_clear(&kept);
    }
    world_free(w);
}

/* What was redacted is kept as it left. */
static void test_redacted_is_kept_as_sent(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct op_input in = {.e = &w->e, .question = "why is 'Kanarie' slow on app?"};
    struct buf kept = {0};
    char *body = sent(DIALECT_GEMINI, PRIVACY_REDACTED, &in, NULL, &kept);
    json_t *line = js_parse(buf_text(&kept), kept.len, NULL);
    json_t *as_sent = js_parse(body, strlen(body), NULL);
    assert_true(json_equal(json_object_get(line, "request"), as_sent));
    assert_int_equal(json_integer_value(json_object_get(line, "bytes")), (int)strlen(body));
    json_decref(as_sent);
    json_decref(line);
    free(body);
    buf_clear(&kept);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full_is_kept_redacted),
                                       cmocka_unit_test(test_redacted_is_kept_as_sent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
