/* csrc/help.h -- helping as the other files of the core see it; see help.c.
 */
#ifndef LIBACTOR_HELP_H
#define LIBACTOR_HELP_H

#include "future.h"

/* Help until `future` is complete or abandoned, or helping will not do; `deadline` by the monotonic clock, -1: never.
 * 0, or -1 with what a signal handler or a callback raised. */
int future_help(FutureObject *future, int64_t deadline);

/* Whether a signal waits for the handler that runs in the main thread. */
int help_is_interrupted(void);

/* In the child of a fork: no handler runs in its main thread. */
void help_forget(void);

#endif
