/* csrc/supervisor/command.c -- the process that becomes the command, and the reaper of a pid namespace.
 *
 * Who calls: main.c. The process carries the script out, one instruction after the other, the last of which replaces it
 * by the command; should one fail, it says which through a pipe, which the start of the command closes.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the command's process says to the reaper, by which it hears that the reaper has followed it; -1: there is none. */
static int to_reaper = -1;

int follow(int process)
{
    const int kinds[] = {CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (setns(process, kinds[i]) != 0 && (errno != EINVAL || kinds[i] == CLONE_NEWNS))
            return -1; /* EINVAL: this kernel has not that kind */
    return 0;
}

int give_up_rights(void)
{
    const Instruction no_bound = {"bound", "0", 1}, no_rights = {"capabilities", "0\0" "0\0" "0\0" "0", 4};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || do_bound(&no_bound) != 0)
        return -1;
    return do_capabilities(&no_rights);
}

/* Leaves nothing of the host to the container, to whose processes with the rights of root /proc shows all that the
 * reaper has: its root, its namespaces, its descriptors, and by ptrace its rights. Done before any program runs there. */
static int be_contained(pid_t first)
{
    int process = (int)syscall(SYS_pidfd_open, first, 0);
    if (process < 0 || follow(process) != 0)
        return -1;
    close(process);
    return give_up_rights();
}

/* The first process of a pid namespace: reaps whoever has lost its parent, and with it the others end. */
static _Noreturn void be_reaper(int from_command)
{
    sigset_t children;
    pid_t first;
    int error = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    dup2(from_command, 0);
    syscall(SYS_close_range, 1, ~0U, 0);
    if (read(0, &first, sizeof first) != sizeof first)
        _exit(1); /* it has not come that far */
    if (be_contained(first) != 0)
        error = errno;
    if (write(0, &error, sizeof error) != sizeof error || error != 0)
        _exit(1);
    close(0);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    for (int number;;)
        if (waitpid(-1, NULL, 0) < 0)
            sigwait(&children, &number);
}

int do_reaper(const Instruction *instruction)
{
    pid_t process = getpid();
    int error;
    if (write(to_reaper, &process, sizeof process) != sizeof process)
        return -1;
    if (read(to_reaper, &error, sizeof error) != sizeof error)
        error = ESRCH;
    errno = error;
    return error == 0 ? 0 : -1;
}

/* The last steps before the command: it gets no descriptor and no signal that is not its own. */
static void set_free(void)
{
    sigset_t none;
    const char reset[64] = {0}; /* the kernel's struct sigaction, which the library keeps two signals from */
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, reset, NULL, 8);
    syscall(SYS_close_range, CONTROL, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* becoming another user has undone it */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void tell_failure(const Script *script, int told, int error, const char *instruction)
{
    Failure failure = {error, (uint32_t)(instruction - script->begin)};
    _exit(write(told, &failure, sizeof failure) == sizeof failure ? 1 : 2);
}

/* The process that becomes the command. */
static _Noreturn void carry_out(const Script *script, int told, pid_t supervisor)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    pid_t parent = getppid(); /* 0: it is outside of our namespace */
    if (parent != supervisor && parent != 0)
        _exit(1);
    setsid();
    Script rest = *script;
    Instruction instruction;
    while (next_instruction(&rest, &instruction)) {
        const Kind *kind = find_kind(instruction.name);
        if (strcmp(instruction.name, "run") == 0)
            set_free();
        if (kind->carry_out != NULL && kind->carry_out(&instruction) != 0)
            tell_failure(script, told, errno, instruction.name);
    }
    tell_failure(script, told, ENOEXEC, instruction.name); /* there was no `run` */
}

/* A new pid namespace for all that is started from now on, and its reaper, which is the first there. */
static const char *start_reaper(void)
{
    int ends[2];
    if (unshare(CLONE_NEWPID) != 0)
        return "pid_namespace";
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return "socketpair";
    pid_t reaper = fork();
    if (reaper == 0)
        be_reaper(ends[0]);
    int error = errno;
    close(ends[0]);
    to_reaper = ends[1];
    errno = error;
    return reaper > 0 ? NULL : "fork";
}

/* The parent of a command in a pid namespace that is another container's: who loses its parent there becomes its child,
 * and not that of the reaper there, which knows nothing of this command. It is as contained as a reaper. */
static _Noreturn void be_guardian(const Script *script, int told, int guarded)
{
    siginfo_t info;
    pid_t self = getpid();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    setsid();
    pid_t command = fork();
    if (command == 0)
        carry_out(script, told, self);
    if (command < 0 || follow_joined() != 0 || give_up_rights() != 0)
        _exit(1);
    dup2(guarded, 0);
    syscall(SYS_close_range, 1, ~0U, 0);
    do {
        if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0)
            _exit(1);
    } while (info.si_pid != command && waitpid(info.si_pid, NULL, 0) > 0);
    End end = {info.si_code, info.si_status};
    if (write(0, &end, sizeof end) == sizeof end)
        while (read(0, &end, sizeof end) > 0)
            ;
    while (waitpid(-1, NULL, 0) > 0)
        ;
    _exit(0);
}

/* The guardian's process, or -1. */
static pid_t start_guardian(const Script *script, int told, Start *start)
{
    int ends[2];
    if (join_pid_namespace() != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pid_t guardian = fork();
    if (guardian == 0)
        be_guardian(script, told, ends[0]);
    int error = errno;
    close(ends[0]);
    start->guardian = guardian > 0 ? guardian : 0;
    start->guarded = ends[1];
    errno = error;
    return guardian;
}

const char *start_command(const Script *script, const Supervision *supervision, Start *start)
{
    if (supervision->joined != NULL && open_joined(supervision->joined) != 0)
        return "namespaces_of";
    const char *failed = supervision->has_pid_namespace ? start_reaper() : NULL;
    if (failed != NULL)
        return failed;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return "pipe";
    bool is_guarded = joins_pid_namespace();
    pid_t supervisor = getpid(), process = is_guarded ? start_guardian(script, ends[1], start) : fork();
    if (process == 0)
        carry_out(script, ends[1], supervisor);
    int error = errno;
    close(ends[1]);
    close(to_reaper);
    if (process > 0) {
        start->first = is_guarded ? 0 : process;
        start->begun = ends[0];
        return NULL;
    }
    close(ends[0]);
    errno = error;
    return is_guarded ? "join" : "fork";
}
