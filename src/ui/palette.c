/* palette.c - the themes, as data. The order of a row: mono attributes, attributes beside colours,
 * 8 colours (text, ground), 256 colours (text, ground). */
#include "pgd/ui/palette.h"

#include <stddef.h>
#include <string.h>

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, OWN = -1 };

#define B LOOK_BOLD
#define D LOOK_DIM
#define R LOOK_REVERSE
#define U LOOK_UNDERLINE

static const struct look dark[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_DIM] = {D, D, OWN, OWN, 245, OWN},
    [STYLE_TITLE] = {B, B, OWN, OWN, 252, OWN},
    [STYLE_BORDER] = {0, 0, OWN, OWN, 242, OWN},
    [STYLE_FOCUS] = {B, B, CYAN, OWN, 80, OWN},
    [STYLE_HEADING] = {U, B, CYAN, OWN, 110, OWN},
    [STYLE_KEY] = {B, B, CYAN, OWN, 117, OWN},
    [STYLE_LABEL] = {0, 0, OWN, OWN, 247, OWN},
    [STYLE_VALUE] = {B, B, OWN, OWN, 255, OWN},
    [STYLE_GOOD] = {B, 0, GREEN, OWN, 114, OWN},
    [STYLE_BAD] = {R, B, RED, OWN, 203, OWN},
    [STYLE_WARN] = {B, B, YELLOW, OWN, 221, OWN},
    [STYLE_INFO] = {0, 0, CYAN, OWN, 110, OWN},
    [STYLE_GRAPH1] = {0, 0, GREEN, OWN, 79, OWN},
    [STYLE_GRAPH2] = {0, 0, CYAN, OWN, 75, OWN},
    [STYLE_GRAPH3] = {0, 0, MAGENTA, OWN, 176, OWN},
    [STYLE_GRAPH4] = {0, 0, YELLOW, OWN, 215, OWN},
    [STYLE_REFERENCE] = {D, D, OWN, OWN, 243, OWN},
    [STYLE_SELECTED] = {R, B, WHITE, BLUE, 255, 24},
    [STYLE_STATUS] = {R, 0, WHITE, BLUE, 253, 236},
    [STYLE_STATUS_ALERT] = {R | B, B, WHITE, RED, 231, 124},
    [STYLE_PROMPT] = {B, B, GREEN, OWN, 114, OWN},
    [STYLE_USER] = {B, B, OWN, OWN, 255, OWN},
    [STYLE_AI] = {0, 0, OWN, OWN, 152, OWN},
    [STYLE_CODE] = {0, 0, YELLOW, OWN, 187, OWN},
};

static const struct look light[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_DIM] = {D, D, OWN, OWN, 243, OWN},
    [STYLE_TITLE] = {B, B, OWN, OWN, 235, OWN},
    [STYLE_BORDER] = {0, 0, OWN, OWN, 245, OWN},
    [STYLE_FOCUS] = {B, B, BLUE, OWN, 25, OWN},
    [STYLE_HEADING] = {U, B, BLUE, OWN, 24, OWN},
    [STYLE_KEY] = {B, B, BLUE, OWN, 25, OWN},
    [STYLE_LABEL] = {0, 0, OWN, OWN, 240, OWN},
    [STYLE_VALUE] = {B, B, OWN, OWN, 232, OWN},
    [STYLE_GOOD] = {B, 0, GREEN, OWN, 28, OWN},
    [STYLE_BAD] = {R, B, RED, OWN, 160, OWN},
    [STYLE_WARN] = {B, B, MAGENTA, OWN, 130, OWN},
    [STYLE_INFO] = {0, 0, BLUE, OWN, 24, OWN},
    [STYLE_GRAPH1] = {0, 0, GREEN, OWN, 29, OWN},
    [STYLE_GRAPH2] = {0, 0, BLUE, OWN, 25, OWN},
    [STYLE_GRAPH3] = {0, 0, MAGENTA, OWN, 90, OWN},
    [STYLE_GRAPH4] = {0, 0, RED, OWN, 130, OWN},
    [STYLE_REFERENCE] = {D, D, OWN, OWN, 246, OWN},
    [STYLE_SELECTED] = {R, B, WHITE, BLUE, 231, 25},
    [STYLE_STATUS] = {R, 0, WHITE, BLUE, 235, 254},
    [STYLE_STATUS_ALERT] = {R | B, B, WHITE, RED, 231, 160},
    [STYLE_PROMPT] = {B, B, GREEN, OWN, 28, OWN},
    [STYLE_USER] = {B, B, OWN, OWN, 232, OWN},
    [STYLE_AI] = {0, 0, BLUE, OWN, 24, OWN},
    [STYLE_CODE] = {0, 0, MAGENTA, OWN, 94, OWN},
};

/* For low vision and bad projectors: the sixteen strong colours, nothing dimmed. */
static const struct look contrast[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, WHITE, BLACK, 15, 16},
    [STYLE_DIM] = {0, 0, WHITE, BLACK, 252, 16},
    [STYLE_TITLE] = {B, B, WHITE, BLACK, 15, 16},
    [STYLE_BORDER] = {0, 0, WHITE, BLACK, 15, 16},
    [STYLE_FOCUS] = {B, B, YELLOW, BLACK, 226, 16},
    [STYLE_HEADING] = {U, B | U, WHITE, BLACK, 15, 16},
    [STYLE_KEY] = {B, B, YELLOW, BLACK, 226, 16},
    [STYLE_LABEL] = {0, 0, WHITE, BLACK, 15, 16},
    [STYLE_VALUE] = {B, B, WHITE, BLACK, 15, 16},
    [STYLE_GOOD] = {B, B, GREEN, BLACK, 46, 16},
    [STYLE_BAD] = {R, B, WHITE, RED, 15, 124},
    [STYLE_WARN] = {B, B, YELLOW, BLACK, 226, 16},
    [STYLE_INFO] = {0, 0, CYAN, BLACK, 51, 16},
    [STYLE_GRAPH1] = {0, B, GREEN, BLACK, 46, 16},
    [STYLE_GRAPH2] = {0, B, CYAN, BLACK, 51, 16},
    [STYLE_GRAPH3] = {0, B, MAGENTA, BLACK, 207, 16},
    [STYLE_GRAPH4] = {0, B, YELLOW, BLACK, 226, 16},
    [STYLE_REFERENCE] = {0, 0, WHITE, BLACK, 252, 16},
    [STYLE_SELECTED] = {R, B, BLACK, YELLOW, 16, 226},
    [STYLE_STATUS] = {R, B, BLACK, WHITE, 16, 15},
    [STYLE_STATUS_ALERT] = {R | B, B, WHITE, RED, 15, 124},
    [STYLE_PROMPT] = {B, B, GREEN, BLACK, 46, 16},
    [STYLE_USER] = {B, B, WHITE, BLACK, 15, 16},
    [STYLE_AI] = {0, 0, CYAN, BLACK, 51, 16},
    [STYLE_CODE] = {0, 0, YELLOW, BLACK, 226, 16},
};

/* The colours that the user has given the terminal, and its ground: eight names and bold, whatever it can do besides. */
static const struct look terminal[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_DIM] = {D, D, OWN, OWN, OWN, OWN},
    [STYLE_TITLE] = {B, B, OWN, OWN, OWN, OWN},
    [STYLE_BORDER] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_FOCUS] = {B, B, CYAN, OWN, CYAN, OWN},
    [STYLE_HEADING] = {U, B, CYAN, OWN, CYAN, OWN},
    [STYLE_KEY] = {B, B, CYAN, OWN, CYAN, OWN},
    [STYLE_LABEL] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_VALUE] = {B, B, OWN, OWN, OWN, OWN},
    [STYLE_GOOD] = {B, B, GREEN, OWN, GREEN, OWN},
    [STYLE_BAD] = {R, B, RED, OWN, RED, OWN},
    [STYLE_WARN] = {B, B, MAGENTA, OWN, MAGENTA, OWN},
    [STYLE_INFO] = {0, 0, CYAN, OWN, CYAN, OWN},
    [STYLE_GRAPH1] = {0, 0, GREEN, OWN, GREEN, OWN},
    [STYLE_GRAPH2] = {0, 0, CYAN, OWN, CYAN, OWN},
    [STYLE_GRAPH3] = {0, 0, MAGENTA, OWN, MAGENTA, OWN},
    [STYLE_GRAPH4] = {0, 0, BLUE, OWN, BLUE, OWN},
    [STYLE_REFERENCE] = {D, D, OWN, OWN, OWN, OWN},
    [STYLE_SELECTED] = {R, R, OWN, OWN, OWN, OWN},
    [STYLE_STATUS] = {R, R, OWN, OWN, OWN, OWN},
    [STYLE_STATUS_ALERT] = {R | B, R | B, RED, OWN, RED, OWN},
    [STYLE_PROMPT] = {B, B, GREEN, OWN, GREEN, OWN},
    [STYLE_USER] = {B, B, OWN, OWN, OWN, OWN},
    [STYLE_AI] = {0, 0, OWN, OWN, OWN, OWN},
    [STYLE_CODE] = {0, 0, OWN, OWN, OWN, OWN},
};

static const struct theme themes[] = {
    {.name = "dark", .looks = dark, .colours = true},
    {.name = "light", .looks = light, .colours = true},
    {.name = "high-contrast", .looks = contrast, .colours = true},
    {.name = "mono", .looks = dark, .colours = false},
    {.name = "terminal", .looks = terminal, .colours = true},
};

const struct theme *theme_find(const char *name)
{
    if (name && strcmp(name, "contrast") == 0) /* as it was called first */
        name = "high-contrast";
    for (size_t i = 0; name && i < sizeof(themes) / sizeof(themes[0]); i++)
        if (strcmp(themes[i].name, name) == 0)
            return &themes[i];
    return NULL;
}

const struct theme *theme_at(int i)
{
    return i >= 0 && (size_t)i < sizeof(themes) / sizeof(themes[0]) ? &themes[i] : NULL;
}
