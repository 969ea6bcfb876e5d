/* ui_files.h - the files that the screen asks for by itself (OWNER_UI): ids of their requests. */
#pragma once

enum ui_file {
    UI_FILE_START = 1, /* names of the workspaces, for the start screen */
    UI_FILE_RECORD,    /* session.json of a record that is to be shown; its generation is counted */
    UI_FILE_HISTORY,   /* HOME/history */
    UI_FILE_CONFIG,    /* HOME/config */
    UI_FILE_KEPT,      /* one of them was written */
    UI_FILE_CHOICES,   /* HOME/config again, before a choice is written to it */
    UI_FILE_CHOSEN,    /* a choice was written to it */
    UI_FILE_VIEWS,     /* HOME/views */
    UI_FILE_VIEWS_KEPT, /* it was written */
    UI_FILE_OUTSIDE,    /* the text of the prompt in an editor */
    UI_FILE_ROWS = 31,  /* index.json before the workspace is open (app/flow_index.h) */
    /* the start screen's others (app/start.h); generation is counted */
    UI_START_ROWS = 32, /* workspace.json, index.json and lock of some folders */
    UI_START_ALIVE,     /* names of the programs that hold a workspace */
    UI_START_PICKED,    /* workspace.json of the one that was picked */
    UI_START_DATABASES, /* an answer of the server that was typed */
    /* a recording that is looked for, read, played (app/replay.h); generation is counted */
    UI_VERIFY_PLACE = 48, /* the workspace that is verified (app/verify.h) */
    UI_VERIFY_INDEX,
    UI_VERIFY_SESSION,
    UI_VERIFY_LINES,
    UI_REPLAY = 64,
    UI_REPLAY_TIMER,
    UI_RECORD_LOOK, /* whether the file to be written is there already (app/record.h) */
    UI_RECORD_DIR,
    UI_RECORD_WRITTEN,
    UI_RECORD_REMOVED,
    /* the session tree (app/tree_keys.h); generation is counted, but for the first */
    UI_TREE = 128,
    UI_TREE_RECORD = UI_TREE, /* of a session that was opened */
    UI_TREE_FIRST, /* of the session that something is done with, and of those beside it */
    UI_TREE_SECOND,
    UI_TREE_LATER,
    UI_TREE_TITLE, /* session.json with its new title; it was written */
    UI_TREE_SAVED,
    UI_TREE_REMOVED /* a session's folder */
};
