/* config.h - the text of HOME/config: "name = value" and "key ACTION KEY", a line each; "#" begins a comment.
 *
 *   theme = dark | light | high-contrast | mono | terminal
 *   mouse = on | off          reduced-motion = on | off
 *   plain = on | off          title = on | off
 *   key ACTION KEY            the action has that key in place of its letter; may be repeated
 *
 * A line that is wrong is told with file and line, and the others hold. Pure functions of their arguments. */
#pragma once

#include "pgd/base/err.h"
#include "pgd/ui/view.h"

typedef void (*config_complain_fn)(void *arg, const struct err *e);

/* The choices of a text of len bytes; path is for the messages. What is not said is off, or no binding. Ctrl-C and Esc can be
 * given to no action, and a key that does something else is refused; the first line wins. */
void config_parse(const char *text, size_t len, const char *path, const struct view_tables *t,
                  struct choices *out, config_complain_fn complain, void *arg);
/* Appends the text to out with "name = value" in the place of the last line that says the name, or at its end; everything
 * else stays byte by byte. */
void config_set(const char *text, size_t len, const char *name, const char *value, struct buf *out);
