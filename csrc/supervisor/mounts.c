/* csrc/supervisor/mounts.c -- instructions about file systems, in a mount namespace of the container's own.
 *
 * Who calls: instructions.c. Paths are the script's: what lies in a directory that containers can write to is mounted by
 * `bind`, which follows no link there, and nothing else is done by such a path.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

int do_mount(const Instruction *instruction)
{
    const char *source = instruction->argument, *target = text_behind(source), *kind = text_behind(target);
    const char *flags = text_behind(kind), *data = text_behind(flags);
    uint64_t number;
    if (!read_number(flags, 10, &number))
        return refuse();
    return mount(or_null(source), target, or_null(kind), (unsigned long)number, or_null(data));
}

/* ---- places that somebody else may write to ---- */

enum { OPEN_TREE = 428, MOVE_MOUNT, OPENAT2 = 437, MOUNT_SETATTR = 442 }; /* newer than the headers of some systems */

/* What is at `path` below `top`, to be referred to; an empty path is `top` itself. Whoever can write there may have put a
 * link in the way, and none below `top` is followed. Since Linux 5.6. */
static int open_below(const char *top, const char *path)
{
    const struct {
        uint64_t flags, mode, resolve;
    } how = {.flags = O_PATH | O_CLOEXEC, .resolve = 0x04 | 0x08 /* RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH */};
    int above = open(top, O_PATH | O_CLOEXEC);
    if (above < 0 || *path == 0)
        return above;
    int found = (int)syscall(OPENAT2, above, path, &how, sizeof how), error = errno;
    close(above);
    errno = error;
    return found;
}

/* With all that is mounted below it, and what else these mounts keep from programs is kept. Since Linux 5.12. */
static int set_read_only(int tree)
{
    const struct {
        uint64_t set, cleared, propagation, namespace;
    } attributes = {.set = 1 /* MOUNT_ATTR_RDONLY */};
    return (int)syscall(MOUNT_SETATTR, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes);
}

/* Of one mount, which must be where it is to be. */
static int remount_read_only(int mounted)
{
    struct statfs status;
    Line path;
    path.size = 0;
    add_text(&path, "/proc/self/fd/");
    add_number(&path, mounted);
    if (fstatfs(mounted, &status) != 0)
        return -1;
    unsigned long kept = (unsigned long)status.f_flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC);
    return mount(NULL, path.at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, NULL);
}

/* Has `to` show what is at `from`. Where the kernel cannot have all of it only be read, what is mounted below is left out. */
static int bind_to(int from, int to, bool is_read_only)
{
    const unsigned cloned = AT_EMPTY_PATH | 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC;
    bool is_old = false;
    int tree = (int)syscall(OPEN_TREE, from, "", cloned | AT_RECURSIVE);
    if (tree >= 0 && is_read_only && set_read_only(tree) != 0) {
        is_old = errno == ENOSYS;
        close(tree);
        tree = is_old ? (int)syscall(OPEN_TREE, from, "", cloned) : -1;
    }
    if (tree < 0)
        return -1;
    int result = (int)syscall(MOVE_MOUNT, tree, "", to, "", 0x04 | 0x40 /* MOVE_MOUNT_F_, _T_EMPTY_PATH */);
    if (result == 0 && is_old)
        result = remount_read_only(tree);
    int error = errno;
    close(tree);
    errno = error;
    return result;
}

int do_bind(const Instruction *instruction)
{
    const char *source_top = instruction->argument, *source = text_behind(source_top);
    const char *target_top = text_behind(source), *target = text_behind(target_top), *mode = text_behind(target);
    bool is_read_only = strcmp(mode, "ro") == 0;
    if (!is_read_only && strcmp(mode, "rw") != 0)
        return refuse();
    int from = open_below(source_top, source), to = from < 0 ? -1 : open_below(target_top, target);
    int result = to < 0 ? -1 : bind_to(from, to, is_read_only), error = errno;
    close(from);
    close(to);
    errno = error;
    return result;
}

/* ---- what is made among the mounts ---- */

int do_directory(const Instruction *instruction)
{
    const char *path = instruction->argument;
    uint64_t mode;
    if (!read_number(text_behind(path), 8, &mode) || mode > 07777)
        return refuse();
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : -1;
    return chmod(path, (mode_t)mode);
}

int do_file(const Instruction *instruction)
{
    const char *path = instruction->argument;
    uint64_t mode;
    if (!read_number(text_behind(path), 8, &mode) || mode > 07777)
        return refuse();
    int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0)
        return errno == EEXIST ? 0 : -1;
    int result = fchmod(made, (mode_t)mode);
    close(made);
    return result;
}

int do_link(const Instruction *instruction)
{
    const char *target = instruction->argument;
    return symlink(target, text_behind(target)) == 0 || errno == EEXIST ? 0 : -1;
}

/* The old root is stacked under the new one, and then taken away from there, so it needs no directory to be put in. */
int do_pivot(const Instruction *instruction)
{
    if (chdir(instruction->argument) != 0 || syscall(SYS_pivot_root, ".", ".") != 0)
        return -1;
    return umount2(".", MNT_DETACH) == 0 ? chdir("/") : -1;
}
