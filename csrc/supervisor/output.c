/* csrc/supervisor/output.c -- where the command's output goes: to a file, or through the supervisor to files in rotation.
 *
 * Who calls: main.c, and the process that becomes the command, for the instructions `append` and `rotate`.
 * In rotation the command writes to a pipe, and the supervisor, which lives as long as any of its processes, from there to
 *     <name>, and when that would be larger than it may be, it becomes <name>.1, <name>.1 becomes <name>.2, and so on
 * Invariants: 1. what the command has written is in a file before the container's end is told, unless the disk is full, or
 *   somebody keeps a file from being made.    2. no file is larger than it may be, whatever is put in the way of it.
 *   3. the sandbox is the command's user's, who may put anything there: nothing is done by a path below it, and no link
 *   is followed.
 * What checks a task has a supervisor of its own, which writes to the same files: so before a file becomes another one
 * it is compared with what bears its name, and where that is another one, somebody else was first.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 14, REST_BYTES_MAX = 1 << 20, TRIES = 4 };

typedef struct {
    int from, to;             /* the ends of the pipe; -1: closed */
    int directory, file;      /* -1: it could not be opened, and is tried again */
    const char *name;
    uint32_t owner, owning;
    uint64_t bytes_max, files; /* of each; how many older ones stay */
} Output;

static Output outputs[OUTPUTS] = {{.from = -1, .to = -1, .file = -1, .name = "stdout"},
                                  {.from = -1, .to = -1, .file = -1, .name = "stderr"}};

/* ---- 1 one file ---- */

bool read_id(const char *text, uint32_t *id)
{
    uint64_t number = UINT32_MAX;
    bool is_id = strcmp(text, "-1") == 0 || read_number(text, 10, &number);
    *id = (uint32_t)number;
    return is_id && number <= UINT32_MAX;
}

/* A file to append to, made for its owner if it is not there. Who has run in the sandbox may have put anything in its
 * place: what is no plain file, or has other names elsewhere, is refused, and nothing that is there is given away. */
static int open_output(int directory, const char *path, uint32_t owner, uint32_t owning)
{
    const int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    int opened = openat(directory, path, flags | O_CREAT | O_EXCL, 0644);
    bool is_new = opened >= 0;
    if (!is_new && errno == EEXIST)
        opened = openat(directory, path, flags);
    if (opened < 0)
        return -1;
    struct stat stat;
    int result = fstat(opened, &stat);
    if (result == 0 && (!S_ISREG(stat.st_mode) || stat.st_nlink != 1)) {
        errno = EPERM;
        result = -1;
    }
    if (result == 0 && is_new && owner != UINT32_MAX)
        result = fchown(opened, owner, owning);
    if (result == 0)
        result = fcntl(opened, F_SETFL, O_APPEND);
    if (result == 0)
        return opened;
    int error = errno;
    close(opened);
    errno = error;
    return -1;
}

int do_append(const Instruction *instruction)
{
    const char *descriptor = instruction->argument, *path = text_behind(descriptor);
    const char *user = text_behind(path), *group = text_behind(user);
    uint32_t owner, owning;
    if (!read_id(user, &owner) || !read_id(group, &owning))
        return refuse();
    int opened = open_output(AT_FDCWD, path, owner, owning);
    return place(opened, descriptor);
}

/* ---- 2 files in rotation ---- */

static void add_numbered(Line *line, const char *name, uint64_t number)
{
    line->size = 0;
    add_text(line, name);
    if (number > 0) {
        add_text(line, ".");
        add_number(line, (long long)number);
    }
}

/* Has each file be the next older one; whether none bears the name any more. */
static bool shift(const Output *output)
{
    if (output->files == 0)
        return unlinkat(output->directory, output->name, 0) == 0;
    int result = 0;
    for (uint64_t number = output->files; number > 0; number--) {
        Line older, newer;
        add_numbered(&older, output->name, number);
        add_numbered(&newer, output->name, number - 1);
        result = renameat(output->directory, newer.at, output->directory, older.at);
    }
    return result == 0;
}

static bool is_current(const Output *output)
{
    struct stat opened, named;
    return fstat(output->file, &opened) == 0 &&
           fstatat(output->directory, output->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Has another file take what comes next; should a directory, say, be in the way, the one there is, is emptied. */
static void rotate(Output *output)
{
    if (output->file >= 0 && is_current(output) && !shift(output)) {
        if (ftruncate(output->file, 0) == 0)
            return;
    }
    if (output->file >= 0)
        close(output->file);
    output->file = open_output(output->directory, output->name, output->owner, output->owning);
}

/* How much the file yet takes; 0: it takes nothing, or has no name any more. */
static uint64_t room_in(const Output *output)
{
    struct stat stat;
    if (output->file < 0 || fstat(output->file, &stat) != 0 || stat.st_nlink == 0)
        return 0;
    return (uint64_t)stat.st_size < output->bytes_max ? output->bytes_max - (uint64_t)stat.st_size : 0;
}

/* What finds no place is lost: the command must not be held up for it. */
static void write_out(Output *output, const char *at, size_t size)
{
    for (int tries = TRIES; size > 0 && tries > 0;) {
        uint64_t room = room_in(output);
        if (room == 0) {
            rotate(output);
            tries--;
            continue;
        }
        ssize_t written = write(output->file, at, size < room ? size : (size_t)room);
        if (written < 0)
            return;
        at += written;
        size -= (size_t)written;
        tries = TRIES;
    }
}

/* ---- 3 the pipes ---- */

void take_rotation(Supervision *supervision, const char *first)
{
    supervision->rotations[*first == '2'] = first;
}

/* `descriptor` 1 or 2, directory, user, group, the largest size in bytes, and how many older files stay. */
static int open_rotation(Output *output, const char *descriptor)
{
    const char *directory = text_behind(descriptor), *user = text_behind(directory), *group = text_behind(user);
    const char *bytes = text_behind(group), *files = text_behind(bytes);
    int ends[2];
    if (!read_id(user, &output->owner) || !read_id(group, &output->owning) ||
        !read_number(bytes, 10, &output->bytes_max) || !read_number(files, 10, &output->files) ||
        output->bytes_max == 0 || (strcmp(descriptor, "1") != 0 && strcmp(descriptor, "2") != 0))
        return refuse();
    output->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (output->directory < 0)
        return -1;
    output->file = open_output(output->directory, output->name, output->owner, output->owning);
    if (output->file < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    output->from = ends[0];
    output->to = ends[1];
    if (output->owner != UINT32_MAX && fchown(output->to, output->owner, output->owning) != 0)
        return -1; /* or its user could not open /dev/stdout */
    return fcntl(output->from, F_SETFL, O_NONBLOCK);
}

const char *open_rotations(const Supervision *supervision)
{
    for (int i = 0; i < OUTPUTS; i++)
        if (supervision->rotations[i] != NULL && open_rotation(&outputs[i], supervision->rotations[i]) != 0)
            return supervision->rotations[i];
    return NULL;
}

int do_rotate(const Instruction *instruction)
{
    const Output *output = &outputs[*instruction->argument == '2'];
    return dup2(output->to, (int)(output - outputs) + 1) < 0 ? -1 : 0;
}

void leave_rotations_to_command(void)
{
    for (int i = 0; i < OUTPUTS; i++) {
        if (outputs[i].to >= 0)
            close(outputs[i].to);
        outputs[i].to = -1;
    }
}

int rotation_source(int i)
{
    return holds_output() ? -1 : outputs[i].from;
}

void read_output_from(int source)
{
    close(outputs[0].from);
    outputs[0].from = source;
}

size_t copy_output(int i)
{
    static char packet[1 + CHUNK_BYTES]; /* whoever has attached is told which output it is */
    Output *output = &outputs[i];
    ssize_t got = output->from < 0 ? 0 : read(output->from, packet + 1, CHUNK_BYTES);
    if (got > 0) {
        packet[0] = (char)('1' + i);
        write_out(output, packet + 1, (size_t)got);
        offer_output(packet, 1 + (size_t)got);
        return (size_t)got;
    }
    if (output->from >= 0 && (got == 0 || errno != EAGAIN)) { /* nobody can write any more */
        close(output->from);
        output->from = -1;
    }
    return 0;
}

bool copy_rest(void)
{
    static size_t all[OUTPUTS];
    for (int i = 0; i < OUTPUTS; i++)
        for (size_t got; !holds_output() && all[i] < REST_BYTES_MAX && (got = copy_output(i)) > 0;)
            all[i] += got;
    return !holds_output();
}
