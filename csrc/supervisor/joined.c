/* csrc/supervisor/joined.c -- the namespaces of another container, which a command is to be in.
 *
 * Who calls: main.c and command.c, before the command's process is made, and that process.
 * That container is named by its first process, which is held by a pidfd from before its start is compared: so it is that
 * one and no later one of the same pid, and should it end meanwhile nothing is entered. Since Linux 5.8.
 * What is the supervisor's own already is not entered, so that who is not root can enter a container without namespaces.
 * Invariant: no namespace is entered that somebody made in a user namespace of his own, as any user may: what he mounts
 *   there would be believed by programs that bear the rights of root, for whose user namespace is still ours. So each is
 *   opened, and its owner asked for, before it is entered by that descriptor.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name; /* in /proc/<pid>/ns */
    int kind;
} NAMESPACES[] = {
    {"mnt", CLONE_NEWNS}, {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET}, {"pid", CLONE_NEWPID},
};

enum { KINDS = sizeof NAMESPACES / sizeof *NAMESPACES, PID = KINDS - 1 };

static int process = -1;   /* a pidfd */
static int entered[KINDS]; /* descriptors of those that are to be entered, and are not ours; 0 */

/* A namespace of a process, or -1. */
static int open_namespace(const char *pid, const char *name)
{
    Line path;
    path.size = 0;
    add_text(&path, "/proc/");
    add_text(&path, pid);
    add_text(&path, "/ns/");
    add_text(&path, name);
    return open(path.at, O_RDONLY | O_CLOEXEC);
}

/* Whether it is the one of ours of that name; -1 if that cannot be told. Closes it. */
static int is_ours(int namespace, const char *name)
{
    struct stat ours, theirs;
    int own = open_namespace("self", name), result = -1;
    if (own >= 0 && fstat(own, &ours) == 0 && fstat(namespace, &theirs) == 0)
        result = ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    int error = errno;
    close(own);
    close(namespace);
    errno = error;
    return result;
}

/* What is to be entered of a process: 0 if it is ours already, -1 if it may not be. */
static int choose(const char *pid, const char *name)
{
    int namespace = open_namespace(pid, name), same = namespace < 0 ? -1 : is_ours(dup(namespace), name);
    int owner = same == 0 ? ioctl(namespace, NS_GET_USERNS) : -1;
    if (same == 0 && owner >= 0 && is_ours(owner, "user") == 1)
        return namespace;
    int error = owner >= 0 ? EPERM : errno;
    close(namespace);
    errno = error;
    return same == 1 ? 0 : -1;
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
    for (int i = 0; i < KINDS; i++) {
        entered[i] = wanted & (uint64_t)NAMESPACES[i].kind ? choose(joined, NAMESPACES[i].name) : 0;
        if (entered[i] < 0)
            return -1;
    }
    if (start_ticks((pid_t)pid) == ticks)
        return 0;
    errno = ESRCH;
    return -1;
}

bool joins_pid_namespace(void)
{
    return entered[PID] > 0;
}

int join_pid_namespace(void)
{
    return setns(entered[PID], CLONE_NEWPID);
}

int do_join(const Instruction *instruction)
{
    for (int i = 0; i < PID; i++)
        if (entered[i] > 0 && setns(entered[i], NAMESPACES[i].kind) != 0)
            return -1;
    return 0;
}

int follow_joined(void)
{
    return follow(process);
}
