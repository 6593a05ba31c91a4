/* csrc/supervisor/command.c -- the process that becomes the command, and the reaper of a pid namespace.
 *
 * Who calls: main.c. The process carries the script out, one instruction after the other, the last of which replaces it
 * by the command; should one fail, it says which through a pipe, which the start of the command closes.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first process of a pid namespace: reaps whoever has lost its parent, and with it the others end. */
static _Noreturn void be_reaper(void)
{
    sigset_t children;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    syscall(SYS_close_range, CONTROL, ~0U, 0);
    if (chdir("/") != 0)
        _exit(1);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    for (int number;;)
        if (waitpid(-1, NULL, 0) < 0)
            sigwait(&children, &number);
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

/* Everything it starts is in the namespace, if there is to be one: its reaper first, so that it is the first there. */
const char *start_command(const Script *script, bool has_pid_namespace, pid_t *first, int *begun)
{
    if (has_pid_namespace) {
        if (syscall(SYS_unshare, 0x20000000 /* CLONE_NEWPID */) != 0)
            return "pid_namespace";
        pid_t reaper = fork();
        if (reaper == 0)
            be_reaper();
        if (reaper < 0)
            return "fork";
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return "pipe";
    pid_t supervisor = getpid(), process = fork();
    if (process == 0)
        carry_out(script, ends[1], supervisor);
    int error = errno;
    close(ends[1]);
    if (process > 0) {
        *first = process;
        *begun = ends[0];
        return NULL;
    }
    close(ends[0]);
    errno = error;
    return "fork";
}
