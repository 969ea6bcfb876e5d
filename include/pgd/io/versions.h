/* versions.h - the versions of the libraries in use, for --version. */
#pragma once

void versions_print(const char *program);
