/* csrc/supervisor/joined.c -- the namespaces of another container, which a command is to be in.
 *
 * Who calls: main.c and command.c, before the command's process is made, and that process.
 * That container is named by its first process, which is held by a pidfd from before its start is compared: so it is that
 * one and no later one of the same pid, and should it end meanwhile nothing is entered. Since Linux 5.8.
 * What is the supervisor's own already is not entered, so that who is not root can enter a container without namespaces.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name; /* in /proc/<pid>/ns */
    int kind;
} NAMESPACES[] = {
    {"mnt", CLONE_NEWNS}, {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET}, {"pid", CLONE_NEWPID},
};

static int process = -1; /* a pidfd */
static int kinds;        /* that are to be entered, and are not ours */

/* Whether a namespace of that process is another one than ours; -1 if it has gone. */
static int is_other(const char *pid, const char *name)
{
    struct stat ours, theirs;
    const char *paths[] = {"self", pid};
    for (int i = 0; i < 2; i++) {
        Line path;
        path.size = 0;
        add_text(&path, "/proc/");
        add_text(&path, paths[i]);
        add_text(&path, "/ns/");
        add_text(&path, name);
        if (stat(path.at, i == 0 ? &ours : &theirs) != 0)
            return -1;
    }
    return ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev;
}

int open_joined(const char *joined)
{
    const char *start = text_behind(joined), *flags = text_behind(start);
    uint64_t pid, ticks, wanted;
    if (!read_number(joined, 10, &pid) || !read_number(start, 10, &ticks) || !read_number(flags, 10, &wanted))
        return refuse();
    if (pid == 0 || pid > INT_MAX)
        return refuse();
    process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (process < 0)
        return -1;
    for (size_t i = 0; i < sizeof NAMESPACES / sizeof *NAMESPACES; i++) {
        int other = wanted & (uint64_t)NAMESPACES[i].kind ? is_other(joined, NAMESPACES[i].name) : 0;
        if (other < 0)
            return -1;
        kinds |= other ? NAMESPACES[i].kind : 0;
    }
    if (start_ticks((pid_t)pid) == ticks)
        return 0;
    errno = ESRCH;
    return -1;
}

bool joins_pid_namespace(void)
{
    return kinds & CLONE_NEWPID;
}

int join_pid_namespace(void)
{
    return setns(process, CLONE_NEWPID);
}

int do_join(const Instruction *instruction)
{
    int others = kinds & ~CLONE_NEWPID;
    return others == 0 ? 0 : setns(process, others);
}

int follow_joined(void)
{
    return follow(process);
}
