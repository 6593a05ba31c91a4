/* csrc/supervisor/tree.c -- the processes of the container, found and signalled.
 *
 * Who calls: main.c. The supervisor is the reaper of all that it has started (PR_SET_CHILD_SUBREAPER), so whatever a
 * process does to leave its parent, it descends from the supervisor; its children are found by /proc/<pid>/task/<thread>/
 * children, at a cost that depends on them alone, and not on what else runs on the machine.
 * No signal reaches a stranger: our own children are not reaped meanwhile, so their pids are their own. Another process
 *   counts as a descendant only if its parent is the one that it was found with, and is signalled by a pidfd that was
 *   opened before its start time was compared with that of when it was found.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STAT_BYTES = 1024, ROOM = 512 };

typedef struct {
    pid_t pid, parent;
    uint64_t start; /* in ticks; 0 for a child of ours, which needs none */
} Process;

typedef struct {
    Process *at; /* mapped */
    size_t count, room;
} Processes;

/* ---- 1 what /proc says ---- */

/* The start of /proc/<pid>/stat behind the name, which may hold anything; NULL if it has gone. */
static const char *read_stat(pid_t pid, char *text)
{
    Line path;
    path.size = 0;
    add_text(&path, "/proc/");
    add_number(&path, pid);
    add_text(&path, "/stat");
    ssize_t size = read_file(AT_FDCWD, path.at, text, STAT_BYTES - 1);
    if (size <= 0)
        return NULL;
    text[size] = 0;
    const char *bracket = strrchr(text, ')');
    return bracket != NULL && bracket[1] == ' ' ? bracket + 2 : NULL;
}

/* The nth number behind the state, which is the 0th. */
static uint64_t field(const char *stat, int n)
{
    uint64_t number = 0;
    for (; n > 0 && *stat; stat++)
        n -= *stat == ' ';
    for (; *stat >= '0' && *stat <= '9'; stat++)
        number = number * 10 + (uint64_t)(*stat - '0');
    return number;
}

uint64_t start_ticks(pid_t pid)
{
    char text[STAT_BYTES];
    const char *stat = read_stat(pid, text);
    return stat == NULL ? 0 : field(stat, 19);
}

int write_pid(pid_t first)
{
    Line line;
    line.size = 0;
    long long numbers[] = {getpid(), (long long)start_ticks(getpid()), first, first ? (long long)start_ticks(first) : 0};
    for (int i = 0; i < 4; i++) {
        add_number(&line, numbers[i]);
        add_text(&line, i < 3 ? " " : "\n");
    }
    return write_by_rename("pid", "pid.new", &line);
}

/* ---- 2 who descends from us ---- */

static bool add_process(Processes *found, Process process)
{
    if (found->count == found->room) {
        size_t room = found->room ? 2 * found->room : ROOM;
        void *at = found->room ? mremap(found->at, found->room * sizeof process, room * sizeof process, MREMAP_MAYMOVE)
                               : mmap(NULL, room * sizeof process, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                      -1, 0);
        if (at == MAP_FAILED)
            return false;
        found->at = at;
        found->room = room;
    }
    found->at[found->count++] = process;
    return true;
}

/* Takes note of `pid` as a child of `parent`, if it is. */
static void add_child(Processes *found, pid_t pid, pid_t parent)
{
    Process process = {pid, parent, 0};
    if (parent != getpid()) {
        char text[STAT_BYTES];
        const char *stat = read_stat(pid, text);
        if (stat == NULL || field(stat, 1) != (uint64_t)parent)
            return;
        process.start = field(stat, 19);
    }
    add_process(found, process);
}

/* Adds whoever a file lists, parted by white space; how many, or -1. */
static int for_each_number(int directory, const char *path, void (*found)(void *, pid_t), void *context)
{
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC), count = 0;
    if (file < 0)
        return -1;
    char text[1024];
    pid_t number = 0;
    for (ssize_t size; (size = read(file, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < size; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                number = number * 10 + (text[i] - '0');
            } else if (number > 0) {
                found(context, number);
                count++;
                number = 0;
            }
        }
    close(file);
    return count;
}

typedef struct {
    Processes *found;
    pid_t parent, passed_over;
} Look;

static void look_at_child(void *context, pid_t pid)
{
    Look *look = context;
    if (pid != look->passed_over)
        add_child(look->found, pid, look->parent);
}

/* Adds the children of each thread of a process. */
static void add_children(Processes *found, pid_t parent, pid_t passed_over)
{
    Line path;
    path.size = 0;
    add_text(&path, "/proc/");
    add_number(&path, parent);
    add_text(&path, "/task");
    int threads = open(path.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (threads < 0)
        return;
    Look look = {found, parent, passed_over};
    _Alignas(struct dirent64) char entries[2048];
    for (long size; (size = syscall(SYS_getdents64, threads, entries, sizeof entries)) > 0;)
        for (long at = 0; at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
            at += entry->d_reclen;
            if (entry->d_name[0] == '.')
                continue;
            Line children;
            children.size = 0;
            add_text(&children, entry->d_name);
            add_text(&children, "/children");
            for_each_number(threads, children.at, look_at_child, &look);
        }
    close(threads);
}

pid_t oldest_child(pid_t parent)
{
    Processes found = {0};
    add_children(&found, parent, 0);
    pid_t oldest = found.count > 0 ? found.at[0].pid : 0;
    if (found.room > 0)
        munmap(found.at, found.room * sizeof *found.at);
    return oldest;
}

/* ---- 3 signals ---- */

static void send_signal(const Process *process, int number)
{
    if (process->start == 0) {
        kill(process->pid, number);
        return;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (pidfd < 0)
        return;
    if (start_ticks(process->pid) == process->start)
        syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
    close(pidfd);
}

/* If they are stopped, then each before its children are looked at, so that it has no more of them later. */
size_t signal_tree(pid_t first, pid_t guardian, bool stops, const int *signals)
{
    Processes found = {0};
    if (first > 0)
        add_child(&found, first, guardian > 0 ? guardian : getpid());
    add_children(&found, getpid(), guardian > 0 ? guardian : first);
    if (guardian > 0)
        add_children(&found, guardian, first);
    for (size_t i = 0; i < found.count; i++) {
        if (stops)
            send_signal(&found.at[i], SIGSTOP);
        add_children(&found, found.at[i].pid, 0);
    }
    for (; *signals; signals++)
        for (size_t i = 0; i < found.count; i++)
            send_signal(&found.at[i], *signals);
    if (found.room > 0)
        munmap(found.at, found.room * sizeof *found.at);
    return found.count;
}

static void kill_one(void *context, pid_t pid)
{
    kill(pid, SIGKILL);
}

int kill_members(const char *procs)
{
    return for_each_number(AT_FDCWD, procs, kill_one, NULL);
}

void hurry(void)
{
    const struct sched_param lowest = {1};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_RR, &lowest);
}
