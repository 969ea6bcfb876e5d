/* versions.h - the versions of the libraries in use, for --version. */
#pragma once

/* others: of libraries that other folders use, "ncurses 6.4, jansson 2.14". */
void versions_print(const char *program, const char *others);
