/* floor.c - the least that a full-screen program of these six libraries can do: it starts, paints, answers a key.
 * What the measurement itself costs is what this program costs. */
#include <locale.h>
#include <ncurses.h>
#include <stdbool.h>

static void paint(bool help, int turn)
{
    erase();
    mvprintw(0, 0, "floor ready, turn %d", turn);
    for (int y = 10; y < LINES; y++)
        mvprintw(y, 0, "%-*d", COLS - 1, y * (turn + 1));
    if (help)
        mvprintw(5, 5, "floor help");
    refresh();
}

int main(void)
{
    bool help = false;

    setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    timeout(1000);
    for (int turn = 0;; turn++) {
        paint(help, turn);
        const int c = getch();
        if (c == 'q')
            break;
        if (c != ERR && c != KEY_RESIZE)
            help = c == '?';
    }
    endwin();
    return 0;
}
