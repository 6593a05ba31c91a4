/* csrc/interrupts.h -- signals as help.c sees them; see interrupts.c.
 */
#ifndef LIBACTOR_INTERRUPTS_H
#define LIBACTOR_INTERRUPTS_H

#include "core.h"

/* Find out what Python does on signals: when the module is made, before others may stand in front. */
void interrupts_learn(void);

/* Whether this is the thread that Python's signal handlers run in. */
int is_main_thread(void);

/* From now on keep signals back; 0, or -1 with what a signal handler raised, and then nothing is held. */
int interrupts_hold(int64_t now);

/* No longer; hand on what was kept: 0, or -1 with what a handler of Python raised. */
int interrupts_release(void);

#endif
