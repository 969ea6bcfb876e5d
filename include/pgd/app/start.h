/* start.h - the screen before a server is known: recent workspaces, another server, its databases, the demo. */
#pragma once

#include "pgd/workspace/model.h"

void start_screen_open(struct model *m, struct effects *fx);
void start_screen_answer(struct model *m, const struct event *ev, struct effects *fx);
bool start_screen_key(struct model *m, struct key k, struct effects *fx);
/* The server is known: the program begins with it. */
void start_go(struct model *m, struct effects *fx);

/* start_list.c: the folders are read, a few at a time, in a worker thread */
void start_list_read(struct model *m, struct effects *fx);
void start_list_answer(struct model *m, const struct event *ev, struct effects *fx);
bool start_list_key(struct model *m, struct key k, struct effects *fx);

/* start_server.c: the form, and the databases of the server that was typed */
void start_server_open(struct model *m);
void start_server_connect(struct model *m, struct effects *fx);
bool start_server_key(struct model *m, struct key k, struct effects *fx);
void start_databases_answer(struct model *m, const struct event *ev, struct effects *fx);
bool start_databases_key(struct model *m, struct key k, struct effects *fx);
/* EV_PG_UP and EV_PG_DOWN of the form's connection. False: it is somebody else's. */
bool start_server_link(struct model *m, const struct event *ev, struct effects *fx);
