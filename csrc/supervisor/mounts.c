/* csrc/supervisor/mounts.c -- instructions about file systems, in a mount namespace of the container's own.
 *
 * Who calls: instructions.c. Paths are the script's; where a container could have put a link in the way, what is below
 * it is the business of whoever writes the script (namespaces and mounts come before the command has run).
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* With all that is mounted below it, and what else these mounts keep from programs is kept. Since Linux 5.12. */
int do_read_only(const Instruction *instruction)
{
    const struct {
        uint64_t set, cleared, propagation, namespace;
    } attributes = {.set = 1 /* MOUNT_ATTR_RDONLY */};
    const int recursive = 0x8000, mount_setattr = 442; /* newer than the headers of some systems */
    return (int)syscall(mount_setattr, AT_FDCWD, instruction->argument, recursive, &attributes, sizeof attributes);
}

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
