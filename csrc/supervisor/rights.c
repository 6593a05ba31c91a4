/* csrc/supervisor/rights.c -- instructions about whom the command runs as, and what it may do.
 *
 * Who calls: instructions.c. System calls as such: the process has one thread, and the functions of the library for them
 * are made for several. Source: capabilities(7).
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES_MAX = 63 };

int do_bound(const Instruction *instruction)
{
    uint64_t kept;
    if (!read_number(instruction->argument, 16, &kept))
        return refuse();
    /* Those that this kernel has: beyond them, asking is an error. */
    for (int i = 0; i <= CAPABILITIES_MAX && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (!(kept >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
            return -1;
    return 0;
}

int do_keep(const Instruction *instruction)
{
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

static int set_ambient(uint64_t wanted)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return -1;
    for (int i = 0; i <= CAPABILITIES_MAX; i++)
        if ((wanted >> i & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0)
            return -1;
    return 0;
}

int do_capabilities(const Instruction *instruction)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    uint64_t sets[4]; /* effective, permitted, inheritable, ambient */
    const char *text = instruction->argument;
    for (int i = 0; i < 4; i++, text = text_behind(text))
        if (!read_number(text, 16, &sets[i]))
            return refuse();
    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(sets[0] >> 32 * i);
        data[i].permitted = (uint32_t)(sets[1] >> 32 * i);
        data[i].inheritable = (uint32_t)(sets[2] >> 32 * i);
    }
    if (syscall(SYS_capset, &header, data) != 0)
        return -1;
    return set_ambient(sets[3]);
}

int do_user(const Instruction *instruction)
{
    gid_t groups[NGROUPS_MAX > 1024 ? 1024 : NGROUPS_MAX];
    uint64_t numbers[2];
    const char *text = instruction->argument;
    for (int i = 0; i < 2; i++, text = text_behind(text))
        if (!read_number(text, 10, &numbers[i]) || numbers[i] >= UINT32_MAX)
            return refuse();
    unsigned count = instruction->count - 2;
    if (count > sizeof groups / sizeof *groups)
        return refuse();
    for (unsigned i = 0; i < count; i++, text = text_behind(text)) {
        uint64_t group;
        if (!read_number(text, 10, &group) || group >= UINT32_MAX)
            return refuse();
        groups[i] = (gid_t)group;
    }
    gid_t group = (gid_t)numbers[1];
    uid_t user = (uid_t)numbers[0];
    if (syscall(SYS_setgroups, count, groups) != 0 || syscall(SYS_setresgid, group, group, group) != 0)
        return -1;
    return (int)syscall(SYS_setresuid, user, user, user);
}

int do_no_new_privileges(const Instruction *instruction)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
