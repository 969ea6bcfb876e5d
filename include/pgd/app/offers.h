/* offers.h - what Tab offers at the prompt: commands, and the arguments of those whose row says what they are. */
#pragma once

#include "pgd/ui/view.h"

/* A prompt_complete_fn; arg is the model. What begins with the text comes first, then what holds its letters in that order
 * ("/hnd" is in "/handover"). */
int offers_complete(const void *arg, const char *text, char out[][64], int max);
/* Whether the letters of `part` stand in `word` in that order, whatever is between; case does not matter. */
bool offers_fuzzy(const char *part, const char *word);
