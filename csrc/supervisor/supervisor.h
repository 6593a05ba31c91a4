/* csrc/supervisor/supervisor.h -- what the parts of the supervisor know of one another.
 *
 * The supervisor is a program of its own, linked statically, one process a container: main.c says what it does. It has
 * nothing to do with Python, and knows no policy: what is to be done stands in its script.
 * Errors: a function returns 0, or -1 with errno set, unless it says otherwise.
 * Memory: nothing is allocated but the script and lists of processes, by mmap, and given back at once.
 */
#ifndef MESOSLITE_SUPERVISOR_H
#define MESOSLITE_SUPERVISOR_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- texts and files: files.c ---- */

enum { LINE_BYTES = 1024 };

/* To begin one, set the size to 0. What does not fit is left out. */
typedef struct {
    size_t size;
    char at[LINE_BYTES]; /* with room for a byte behind what was added: a zero, until another is put there */
} Line;

void add_text(Line *line, const char *text);
void add_zero(Line *line);
void add_number(Line *line, long long number);

/* -1, for an argument that is not what it has to be. */
int refuse(void);

/* Whether all of `text` is a number in `base`, which is then in `*number`. */
bool read_number(const char *text, int base, uint64_t *number);

/* Replaces the file `path` as a whole; `made` is the name that it has until then. */
int write_by_rename(const char *path, const char *made, const Line *line);

/* Writes `text` to the file `path`, which exists, in one call. */
int write_to(const char *path, const char *text);

/* Up to `room` bytes of a file; how many there are, or -1. */
ssize_t read_file(int directory, const char *path, char *at, size_t room);

/* ---- the script: script.c ---- */

typedef struct {
    const char *name;     /* as in the script */
    const char *argument; /* the first of `count` texts, one behind the other */
    unsigned count;
} Instruction;

typedef struct {
    const char *at, *end; /* what is left of it */
    const char *begin;
} Script;

/* Why the script cannot be carried out, or NULL; `script` is then before its first instruction. */
const char *open_script(Script *script, const char *text, size_t size);

/* The next instruction; false behind the last one. */
bool next_instruction(Script *script, Instruction *instruction);

/* The text behind `text`. */
const char *text_behind(const char *text);

/* ---- instructions: instructions.c, mounts.c, rights.c ---- */

enum { OUTPUTS = 2 }; /* descriptors 1 and 2 */

/* What the supervisor does itself, at the end above all; NULL for what was not stated. They point into the script. */
typedef struct {
    const char *members;     /* a cgroup.procs */
    const char *kill_switch; /* a cgroup.kill */
    const char *freezer;     /* a file, and behind it the texts for frozen and thawed */
    const char *rotations[OUTPUTS]; /* the arguments of `rotate` for each output, until that is open */
    const char *streams;     /* `tty` or `pipes`, rows, columns, user */
    const char *joined;      /* a process, its start, and the kinds of its namespaces that are to be entered */
    bool has_pid_namespace;
} Supervision;

typedef struct {
    const char *name;
    unsigned least, most;                           /* arguments */
    int (*carry_out)(const Instruction *);          /* in the process that becomes the command */
    void (*take)(Supervision *, const char *first); /* in the supervisor, before; NULL: nothing */
} Kind;

/* `opened` as the descriptor that `text` says; closes it. */
int place(int opened, const char *text);

/* ---- the script in memory: loading.c ---- */

/* Reads it, and takes what is for the supervisor, which stands before all else; or leaves, saying what is wrong with it. */
void load_script(Script *script, Supervision *supervision);

/* From an instruction on. */
Script script_from(uint32_t offset);

/* Gives its memory back, but for the pages with what is for the supervisor. */
void release_script(const Supervision *kept);

/* NULL for a name that there is not. */
const Kind *find_kind(const char *name);

int do_mount(const Instruction *instruction);
int do_bind(const Instruction *instruction);
int do_directory(const Instruction *instruction);
int do_file(const Instruction *instruction);
int do_link(const Instruction *instruction);
int do_pivot(const Instruction *instruction);

int do_append(const Instruction *instruction);
int do_rotate(const Instruction *instruction);
void take_rotation(Supervision *supervision, const char *first);

int do_bound(const Instruction *instruction);
int do_keep(const Instruction *instruction);
int do_capabilities(const Instruction *instruction);
int do_user(const Instruction *instruction);
int do_no_new_privileges(const Instruction *instruction);

/* All variables of the environment, that `run` starts the command with: set by `environment`. */
int do_environment(const Instruction *instruction);
int do_run(const Instruction *instruction);

/* ---- output in rotation: output.c ---- */

/* Opens the files and pipes of what was stated, before the command starts; NULL, or the arguments that failed. */
const char *open_rotations(const Supervision *supervision);

/* The command has its ends of the pipes, and the supervisor needs none. */
void leave_rotations_to_command(void);

/* Where the supervisor is to read output `i` (from 0), or -1. */
int rotation_source(int i);

/* Copies some of output `i` to its file, without waiting for it; how many bytes. */
size_t copy_output(int i);

/* Copies what there is left when the container is gone; false: it has to wait for who has attached. */
bool copy_rest(void);

/* The first output comes from a terminal, which is read there. */
void read_output_from(int source);

/* A user or a group; -1, that is "nobody", is written as such, and leaves the owner of a file. */
bool read_id(const char *text, uint32_t *id);

/* ---- streams that somebody may attach to: streams.c ---- */

enum { STREAM_POLLS = 3 };

/* Makes the input, or the terminal, that `streams` states, when output is open already. */
int open_streams(const char *streams);

/* Has the command's process read it, or all of the terminal. */
int do_attach(const Instruction *instruction);

/* The command has its end, and the supervisor needs none. */
void leave_streams_to_command(void);

/* Has whoever is attached, if anybody is, get what was put out: a packet in memory that stays as it is while it is held. */
void offer_output(const char *packet, size_t size);
bool holds_output(void);

/* Has nobody be attached any more. */
void leave_client(void);

/* What poll is to watch, STREAM_POLLS of them, and what it has seen. */
void watch_streams(struct pollfd *watched);
void move_streams(const struct pollfd *watched);

/* ---- namespaces of another container: joined.c ---- */

/* Opens those of the namespaces that `joined` states that are others than ours; with ESRCH if that process has ended, and
 * EPERM if it has made them itself, in a user namespace. */
int open_joined(const char *joined);

/* Has all that is started from now on be in the pid namespace of it, if that is to be; whether it is another one. */
bool joins_pid_namespace(void);
int join_pid_namespace(void);

/* Enters the others, as was stated. */
int do_join(const Instruction *instruction);

/* Into all of them but the pid namespace, whatever was stated. */
int follow_joined(void);

/* ---- the start of the command: command.c ---- */

/* Has the reaper of the pid namespace follow the command into all that it has by now. */
int do_reaper(const Instruction *instruction);

/* Into the namespaces of a process, by its pidfd, and to the root that it has there. */
int follow(int process);

/* Leaves its process no right, and the processes that see it no way to what it has. */
int give_up_rights(void);

/* What it is started with: the descriptor that orders come by, and the socket for whoever attaches, if anybody may. */
enum { CONTROL = 3, LISTENER = 4 };

/* What comes through `begun` if an instruction fails; nothing does if the command starts. */
typedef struct {
    int error;
    uint32_t offset; /* of the instruction in the script */
} Failure;

/* What a guardian, the parent of a command in a pid namespace that others have begun, says of its end. It reaps who has
 * lost its parent there, but not the command until the supervisor hangs up. */
typedef struct {
    int code, status; /* as of siginfo_t */
} End;

typedef struct {
    pid_t first;    /* the command's process; 0 if that is the guardian's child */
    int begun;      /* a descriptor */
    pid_t guardian; /* 0: there is none */
    int guarded;    /* a descriptor, by which its End comes; -1 */
} Start;

/* NULL, or what has failed, with errno. */
const char *start_command(const Script *script, const Supervision *supervision, Start *start);

/* ---- how it ended: status.c ---- */

/* An instruction, or a step of the supervisor, could not be done, with `count` arguments. */
void set_failure(int error, const char *name, const char *argument, unsigned count);

/* The first process has ended. */
void set_end(const siginfo_t *info);

/* Ends the supervisor; 0 says that `status` is there. */
_Noreturn void leave(void);

/* As set_failure with errno and one argument, or none if it is empty, and leave. */
_Noreturn void fail(const char *name, const char *argument);

/* ---- the processes of the container: tree.c ---- */

/* Sends `signals` (ended by 0) one after the other to all that descend from us but `guardian` (0: there is none): `first`
 * first, which is not reaped (0: it is), then who is nearest to us; whether they are stopped first. How many were found;
 * without memory fewer are. */
size_t signal_tree(pid_t first, pid_t guardian, bool stops, const int *signals);

/* The oldest child of a process; 0 if it has none. */
pid_t oldest_child(pid_t parent);

/* When a process was started, in ticks since the system was; 0 if it has gone. */
uint64_t start_ticks(pid_t pid);

/* Sends SIGKILL to all in a cgroup.procs; how many it listed, or -1. */
int kill_members(const char *procs);

/* Goes before the processes that it kills, if it may: they could be having children faster than they are killed. */
void hurry(void);

/* Writes the file `pid`; `first` is 0 while there is none. */
int write_pid(pid_t first);

#endif
