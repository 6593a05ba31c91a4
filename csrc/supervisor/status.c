/* csrc/supervisor/status.c -- how the container has ended: the first that is said counts, and is written last of all.
 *
 * Who calls: main.c, which says what the file is.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <unistd.h>

static Line status; /* empty until it is known */

void set_failure(int error, const char *name, const char *argument, unsigned count)
{
    if (status.size > 0)
        return;
    add_text(&status, "failed ");
    add_number(&status, error);
    add_text(&status, " ");
    add_text(&status, name);
    for (; count > 0; count--, argument = text_behind(argument)) {
        add_zero(&status);
        add_text(&status, argument);
    }
}

void set_end(const siginfo_t *info)
{
    if (status.size > 0)
        return;
    add_text(&status, info->si_code == CLD_EXITED ? "exited " : "killed ");
    add_number(&status, info->si_status);
}

_Noreturn void leave(void)
{
    status.at[status.size++] = '\n'; /* for which room is kept */
    _exit(write_by_rename("status", "status.new", &status) == 0 ? 0 : 1);
}

_Noreturn void fail(const char *name, const char *argument)
{
    set_failure(errno, name, argument, *argument ? 1 : 0);
    leave();
}
