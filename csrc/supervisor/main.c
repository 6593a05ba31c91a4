/* csrc/supervisor/main.c -- the supervisor of one container: starts it, hears orders, ends it, tells how it ended.
 *
 * Who calls: mesoslite/containment/supervisors.py starts one for each container, and it lives as long as that, with an
 * agent or without. Its first argument is the container's directory, in which it finds
 *     script   what to do (script.c)
 *     control  a FIFO, which it was started with as descriptor 3: orders, a line each. Who has it open for writing is
 *              told of the supervisor's end by it, whatever that was
 *     io       a socket, if there is a second argument: descriptor 4, to which whoever attaches connects (streams.c)
 * and writes, each as a whole,
 *     pid      its own pid and start, those of the command's process, or 0 0 while there is none
 *     status   `exited <code>`, `killed <signal>`, or `failed <errno> <instruction>` and a zero byte before each
 *              argument, as far as there is room; the last thing it does
 * Into the FIFO ../../reports it writes a line `<container> started <pid>`, if somebody listens.
 * Orders: `terminate <milliseconds>`: SIGTERM to all its processes, SIGKILL when the grace is over; of several graces
 *   the one that is over first counts. `kill`: SIGKILL at once. `signal <number>`: to its first process, once that runs.
 * Invariants: 1. it is the reaper of all that descends from it, so the container is gone when it has no child.
 *   2. what the first process leaves is killed.    3. `status` is written when nothing of the container is left.
 *   4. the first process is not reaped before its group was killed, so the group's number is not another's.
 *   5. should the supervisor be killed, its first process is, too (PR_SET_PDEATHSIG); the rest is up to the agent.
 * It waits without limit for its signals and orders only, and never for a report to be read.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- 1 what is kept ---- */

enum {
    ROUND_MS = 5,
    ROUND_MS_MAX = 100,
    REST_MS = 1000, /* in which whoever is attached may take what a container has left that was killed */
    CROWD = 16 /* so many processes found alive: they may be having children, so no time is lost */
};

static const int FORWARDED[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static struct {
    const char *id;
    Script script;
    Supervision supervision;
    Start start;          /* its `first` is 0 once it is reaped, `begun` -1 once it has started or failed to */
    pid_t pid;            /* of the first process, for ever */
    int signals;          /* a descriptor */
    int report;           /* -1 unless a report waits for room */
    uint64_t waiting;     /* signals for the first process, which does not run yet: a bit each */
    bool is_ending;       /* all of it is to be killed */
    bool is_asked;        /* to end by itself */
    bool is_killed;       /* by an order, or since its grace is over: nobody holds it up any more */
    int64_t rest_until;   /* in ms: when whoever is attached has had its time; 0: all of it is not over yet */
    int64_t deadline;     /* in ms: is_ending from then on; INT64_MAX: never */
    int64_t next_round;   /* in ms: when to look again whether anything is left */
    int64_t round_ms;     /* until the one after */
    char orders[256];     /* the beginning of an order */
    size_t orders_size;
} self = {.start = {.begun = -1, .guarded = -1}, .report = -1, .deadline = INT64_MAX, .round_ms = ROUND_MS};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- 2 before the start ---- */

/* Lets go of all that it has inherited but the control, and the socket if it was told of one, and hears signals when it
 * asks for them. */
static void settle(bool has_listener)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL); /* ignored, statuses would be lost */
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(nothing, i);
    syscall(SYS_close_range, has_listener ? LISTENER + 1 : CONTROL + 1, ~0U, 0);
    fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
    fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    self.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self.signals < 0)
        fail("signalfd", "");
}

/* ---- 3 the start ---- */

static void start(void)
{
    const char *unopened = open_rotations(&self.supervision);
    if (unopened != NULL) {
        set_failure(errno, "rotate", unopened, 2);
        leave();
    }
    if (self.supervision.streams != NULL && open_streams(self.supervision.streams) != 0)
        fail("streams", "");
    const char *failed = start_command(&self.script, &self.supervision, &self.start);
    self.pid = self.start.first;
    int error = errno;
    leave_rotations_to_command();
    leave_streams_to_command();
    errno = error;
    if (failed != NULL) {
        set_failure(errno, failed, "", 0);
        self.is_ending = true; /* a reaper may be there */
    }
}

/* ---- 4 reports ---- */

static void send_report(void)
{
    Line line;
    line.size = 0;
    if (self.report < 0)
        self.report = open("../../reports", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (self.report < 0)
        return; /* nobody listens; whoever comes will look at our files */
    add_text(&line, self.id);
    add_text(&line, " started ");
    add_number(&line, self.pid);
    add_text(&line, "\n");
    if (write(self.report, line.at, line.size) < 0 && errno == EAGAIN)
        return; /* poll says when there is room */
    close(self.report);
    self.report = -1;
}

/* Sends the first process a signal, now or as soon as the command has replaced us there. */
static void signal_first(uint64_t number)
{
    if (number == 0 || number >= NSIG || number > 63)
        return;
    if (self.start.begun >= 0)
        self.waiting |= 1ULL << number;
    else if (self.start.first > 0)
        kill(self.start.first, (int)number);
}

/* The command has started, or says why not. */
static void hear_begin(void)
{
    Failure failure;
    bool has_failed = read(self.start.begun, &failure, sizeof failure) == sizeof failure;
    close(self.start.begun);
    self.start.begun = -1;
    if (self.start.guardian > 0)
        self.pid = self.start.first = oldest_child(self.start.guardian);
    if (has_failed) {
        Instruction instruction;
        Script at = script_from(failure.offset);
        next_instruction(&at, &instruction);
        set_failure(failure.error, instruction.name, instruction.argument, instruction.count);
        self.is_ending = true;
    } else if (self.pid == 0) {
        self.is_ending = true; /* its guardian was killed, and it with that */
    } else if (write_pid(self.pid) != 0) {
        set_failure(errno, "pid", "", 0);
        self.is_ending = true;
    } else {
        send_report();
        for (uint64_t number = 1; number < 64; number++)
            if (self.waiting >> number & 1)
                signal_first(number);
    }
    release_script(&self.supervision);
}

/* ---- 5 orders and signals ---- */

static void terminate_in(uint64_t grace_ms)
{
    int64_t now = now_ms(), deadline = grace_ms < INT64_MAX / 2 ? now + (int64_t)grace_ms : INT64_MAX;
    if (deadline < self.deadline)
        self.deadline = deadline;
    if (!self.is_asked)
        signal_tree(self.start.first, self.start.guardian, false, (const int[]){SIGTERM, SIGCONT, 0});
    self.is_asked = true;
}

static void obey(const char *order)
{
    uint64_t number;
    if (strcmp(order, "kill") == 0)
        self.is_ending = self.is_killed = true;
    else if (strncmp(order, "terminate ", 10) == 0 && read_number(order + 10, 10, &number))
        terminate_in(number);
    else if (strncmp(order, "signal ", 7) == 0 && read_number(order + 7, 10, &number))
        signal_first(number);
}

static void hear_orders(void)
{
    size_t room = sizeof self.orders - self.orders_size;
    ssize_t got = read(CONTROL, self.orders + self.orders_size, room);
    if (got <= 0)
        return;
    self.orders_size += (size_t)got;
    char *at = self.orders, *end = self.orders + self.orders_size;
    for (char *line; (line = memchr(at, '\n', (size_t)(end - at))) != NULL; at = line + 1) {
        *line = 0;
        obey(at);
    }
    self.orders_size = (size_t)(end - at);
    memmove(self.orders, at, self.orders_size);
    if (self.orders_size == sizeof self.orders)
        self.orders_size = 0; /* no order is that long */
}

static void hear_signals(void)
{
    struct signalfd_siginfo info;
    while (read(self.signals, &info, sizeof info) == sizeof info)
        for (size_t i = 0; i < sizeof FORWARDED / sizeof *FORWARDED; i++)
            if (info.ssi_signo == (uint32_t)FORWARDED[i] && self.start.first > 0)
                kill(self.start.first, FORWARDED[i]);
}

/* ---- 6 the end ---- */

/* The first process is a zombie, as which it keeps its group's number: what it leaves is to be killed. */
static void end_first(const siginfo_t *info)
{
    if (self.start.begun >= 0)
        hear_begin(); /* before its end, which came first */
    if (self.start.first > 0)
        kill(-self.start.first, SIGKILL);
    self.start.first = 0;
    self.is_ending = true;
    set_end(info);
}

/* The guardian says how the command has ended, and is let go, so that it reaps that too; or it was killed. */
static void hear_guardian(void)
{
    End end;
    siginfo_t info = {0};
    if (read(self.start.guarded, &end, sizeof end) == sizeof end) {
        info.si_code = end.code;
        info.si_status = end.status;
        end_first(&info);
    }
    close(self.start.guarded);
    self.start.guarded = -1;
}

/* Reaps whoever has ended; whether any child is left. */
static bool reap(void)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return errno != ECHILD;
        if (info.si_pid == 0)
            return true;
        if (info.si_pid == self.start.guardian) {
            if (self.start.guarded >= 0)
                hear_guardian();
            self.start.guardian = self.start.first = 0;
            self.is_ending = true;
            if (info.si_code == CLD_EXITED)
                set_failure(EPERM, "join", "", 0); /* if it has not said how the command has ended */
            set_end(&info);
        }
        if (info.si_pid == self.start.first)
            end_first(&info);
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
    }
}

/* Kills what there is of it. */
static void kill_all(void)
{
    const Supervision *supervision = &self.supervision;
    if (supervision->kill_switch != NULL)
        write_to(supervision->kill_switch, "1");
    if (supervision->freezer != NULL)
        write_to(supervision->freezer, text_behind(supervision->freezer));
    if (self.start.first > 0)
        kill(-self.start.first, SIGKILL); /* in one step, so that not even one that forks on and on escapes */
    size_t found = signal_tree(self.start.first, self.start.guardian, true, (const int[]){SIGKILL, 0});
    if (supervision->members != NULL)
        kill_members(supervision->members);
    if (supervision->freezer != NULL)
        write_to(supervision->freezer, text_behind(text_behind(supervision->freezer)));
    if (found >= CROWD)
        hurry();
    self.next_round = now_ms() + (found < CROWD ? self.round_ms : 0);
    self.round_ms = 2 * self.round_ms < ROUND_MS_MAX ? 2 * self.round_ms : ROUND_MS_MAX;
}

static bool has_members(void)
{
    return self.supervision.members != NULL && kill_members(self.supervision.members) > 0;
}

/* Whether all that was put out is where it belongs. What is not taken from a container that was killed is lost to
 * whoever is attached, since what that one is nested in, and the agent, wait for its end. */
static bool has_put_rest(void)
{
    if (copy_rest())
        return true;
    if (self.is_killed && self.rest_until == 0)
        self.rest_until = now_ms() + REST_MS;
    if (!self.is_killed || now_ms() < self.rest_until)
        return false;
    leave_client();
    return copy_rest();
}

static void wait_for_news(void)
{
    struct pollfd watched[] = {
        {self.signals, POLLIN, 0},        {CONTROL, POLLIN, 0},
        {self.start.begun, POLLIN, 0},    {self.report, POLLOUT, 0},
        {rotation_source(0), POLLIN, 0},  {rotation_source(1), POLLIN, 0},
        {self.start.guarded, POLLIN, 0},  {-1, 0, 0},
        {-1, 0, 0},                       {-1, 0, 0},
    };
    struct pollfd *of_streams = watched + sizeof watched / sizeof *watched - STREAM_POLLS;
    watch_streams(of_streams);
    int64_t until = self.is_ending ? self.next_round : self.deadline, timeout = -1;
    if (until != INT64_MAX) {
        timeout = until - now_ms();
        timeout = timeout < 0 ? 0 : timeout < INT_MAX ? timeout : INT_MAX;
    }
    if (poll(watched, sizeof watched / sizeof *watched, (int)timeout) <= 0)
        return;
    if (watched[3].revents)
        send_report();
    if (watched[2].revents)
        hear_begin();
    if (watched[6].revents)
        hear_guardian();
    if (watched[1].revents)
        hear_orders();
    if (watched[0].revents)
        hear_signals();
    for (int i = 0; i < OUTPUTS; i++)
        if (watched[4 + i].revents)
            copy_output(i);
    move_streams(of_streams);
}

static void supervise(void)
{
    for (;;) {
        bool has_children = reap();
        if (now_ms() >= self.deadline)
            self.is_ending = self.is_killed = true;
        if (!has_children && !has_members() && has_put_rest())
            return;
        if (self.is_ending && now_ms() >= self.next_round)
            kill_all();
        wait_for_news();
    }
}

int main(int count, char **arguments)
{
    const char *directory = count == 2 || count == 3 ? arguments[1] : "", *slash = strrchr(directory, '/');
    if (slash == NULL || chdir(directory) != 0)
        return 2;
    self.id = slash + 1;
    settle(count == 3);
    load_script(&self.script, &self.supervision);
    if (write_pid(0) != 0)
        fail("pid", "");
    start();
    supervise();
    leave();
}
