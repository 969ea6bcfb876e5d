/* Themes: every role can be read. Contrast as WCAG 2.1 defines it, over the ground that the theme is for; of the 256 colours those
 * from 16 on are fixed, of the first 16 xterm's values are taken. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/ui/palette.h"

static void rgb_of(int colour, double out[3])
{
    static const int basic[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
                                  0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
                                  0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
    int rgb[3];
    for (int i = 0; i < 3; i++) {
        int step = i == 0 ? (colour - 16) / 36 : i == 1 ? (colour - 16) / 6 % 6 : (colour - 16) % 6;
        if (colour < 16)
            rgb[i] = basic[colour] >> (16 - 8 * i) & 0xff;
        else if (colour >= 232)
            rgb[i] = 8 + (colour - 232) * 10;
        else
            rgb[i] = step ? 55 + step * 40 : 0;
        out[i] = rgb[i] / 255.0;
    }
}

static double luminance(int colour)
{
    double c[3];
    rgb_of(colour, c);
    for (int i = 0; i < 3; i++)
        c[i] = c[i] <= 0.03928 ? c[i] / 12.92 : pow((c[i] + 0.055) / 1.055, 2.4);
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}

static double contrast(int a, int b)
{
    double la = luminance(a), lb = luminance(b);
    return (fmax(la, lb) + 0.05) / (fmin(la, lb) + 0.05);
}

/* Lines and dots are no text: 3 is asked of them. */
static double wanted(const char *theme, int role)
{
    bool drawn = role == STYLE_BORDER || role == STYLE_REFERENCE || role == STYLE_GRAPH1 ||
                 role == STYLE_GRAPH2 || role == STYLE_GRAPH3 || role == STYLE_GRAPH4;
    return strcmp(theme, "high-contrast") == 0 ? (drawn ? 4.5 : 7) : drawn ? 3 : 4.5;
}

static void each_role_can_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int text, ground; /* of the terminal that the theme is for */
    } grounds[] = {{"dark", 252, 16}, {"light", 16, 231}, {"high-contrast", 231, 16}};
    int bad = 0;
    assert_true(fabs(contrast(16, 231) - 21) < 0.01);
    assert_true(fabs(contrast(244, 231) - 3.95) < 0.02); /* #808080 on white */
    for (size_t i = 0; i < 3; i++) {
        const struct theme *theme = theme_find(grounds[i].name);
        for (int role = 0; role < STYLE_COUNT; role++) {
            const struct look *l = &theme->looks[role];
            int fg = l->fg < 0 ? grounds[i].text : l->fg;
            int bg = l->bg < 0 ? grounds[i].ground : l->bg;
            double c = contrast(fg, bg);
            if (c >= wanted(grounds[i].name, role))
                continue;
            print_message("%s, role %d: %.2f\n", grounds[i].name, role, c);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* What is told by colour is told without, too: no two of these look alike where there is none. */
static void the_eight_colours_differ_from_their_ground(void **state)
{
    (void)state;
    for (int i = 0; theme_at(i); i++) {
        for (int role = 0; role < STYLE_COUNT; role++) {
            const struct look *l = &theme_at(i)->looks[role];
            assert_true(l->fg8 >= -1 && l->fg8 <= 7 && l->bg8 >= -1 && l->bg8 <= 7);
            if (l->fg8 >= 0 || l->bg8 >= 0)
                assert_int_not_equal(l->fg8, l->bg8);
        }
        const struct look *t = theme_at(i)->looks;
        assert_true(t[STYLE_SELECTED].mono & LOOK_REVERSE);
        assert_int_not_equal(t[STYLE_BAD].mono, t[STYLE_GOOD].mono);
        assert_int_not_equal(t[STYLE_VALUE].mono, t[STYLE_DIM].mono);
    }
}

static void names(void **state)
{
    (void)state;
    static const char *const all[] = {"dark", "light", "high-contrast", "mono", "terminal"};
    for (int i = 0; i < 5; i++)
        assert_string_equal(theme_at(i)->name, all[i]);
    assert_null(theme_at(5));
    assert_null(theme_at(-1));
    assert_null(theme_find("pink"));
    assert_null(theme_find(NULL));
    assert_string_equal(theme_find("contrast")->name, "high-contrast");
    const struct look *t = theme_find("terminal")->looks;
    for (int role = 0; role < STYLE_COUNT; role++)
        assert_true(t[role].fg < 8 && t[role].bg == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_can_be_read),
        cmocka_unit_test(the_eight_colours_differ_from_their_ground),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
