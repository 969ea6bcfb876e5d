/* ui_files.h - the files that the screen asks for by itself (OWNER_UI): ids of their requests. */
#pragma once

enum ui_file {
    UI_FILE_START = 1, /* names of the workspaces, for the start screen */
    UI_FILE_RECORD,    /* session.json of a record that is to be shown; its generation is counted */
    UI_FILE_HISTORY,   /* HOME/history */
    UI_FILE_CONFIG,    /* HOME/config */
    UI_FILE_KEPT       /* one of them was written */
};
